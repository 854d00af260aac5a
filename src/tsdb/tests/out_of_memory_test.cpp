// SPDX-License-Identifier: Apache-2.0
/// What the store does where memory runs out: here operator new refuses large pieces on demand.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <new>

#include "tests/store_fixture.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kLargePiece = 2U << 20U;
constexpr std::size_t kLongText = 3U << 20U;
std::atomic<std::size_t> most_bytes{kAny};

}  // namespace
}  // namespace gpuscale::tsdb

void* operator new(std::size_t bytes) {
  void* const piece = ::operator new(bytes, std::nothrow);
  if (piece == nullptr) throw std::bad_alloc();
  return piece;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return bytes > gpuscale::tsdb::most_bytes ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* piece) noexcept {
  std::free(piece);
}
void operator delete(void* piece, std::size_t) noexcept {
  std::free(piece);
}

namespace gpuscale::tsdb {
namespace {

class OutOfMemoryTest : public StoreTest {
 protected:
  ~OutOfMemoryTest() override { most_bytes = kAny; }

  void write_long_text(int at) {
    must_write("m text=\"" + std::string(kLongText, 'x') + "\" " + std::to_string(at) + "\n");
  }
  std::size_t long_texts() {
    const auto column = store_->read("db", "", id_of("m"), "text", {});
    EXPECT_TRUE(column);
    return column ? column->strings.size() : 0;
  }
};

TEST_F(OutOfMemoryTest, WhatCannotBeSealedIsSealedLater) {
  const std::string told = folder_ + "/told";
  StoreLimits limits;
  limits.max_unflushed_bytes = kLongText + kLongText / 2;
  store_.reset();
  auto store =
      Store::open({path_, limits}, clock_, *log::Log::to_file(told, log::Level::kWarn, log::Format::kText));
  ASSERT_TRUE(store);
  store_ = *std::move(store);
  write_long_text(1);
  ASSERT_EQ(store_->stats().segments, 0U);

  most_bytes = kLargePiece;
  const auto said = [&told] {
    std::ifstream file(told);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  int rows = 0;
  // Until the head is full, and its sealing was tried.
  while (said().find("store.not_sealed") == std::string::npos) {
    must_write("other text=\"" + std::string(100'000, 'y') + "\" " + std::to_string(++rows) + "\n");
    ASSERT_LT(rows, 1'000);
  }
  EXPECT_THAT(said(), ::testing::HasSubstr("out of memory"));
  EXPECT_EQ(store_->stats().segments, 0U);

  most_bytes = kAny;
  ASSERT_TRUE(store_->flush());
  EXPECT_GE(store_->stats().segments, 2U);
  EXPECT_EQ(long_texts(), 1U);
  const auto others = store_->read("db", "", id_of("other"), "text", {});
  ASSERT_TRUE(others);
  EXPECT_EQ(others->strings.size(), static_cast<std::size_t>(rows));
}

TEST_F(OutOfMemoryTest, OfWhatCannotBeJoinedNoPieceIsLeft) {
  reopen({.max_joining_bytes = 1});
  for (int i = 0; i < 8; ++i) {
    must_write("m a=1,text=\"" + std::string(i < 7 ? 500'000 : 1, 'x') + "\" " + std::to_string(i) + "\n");
    if (i == 7) most_bytes = kLargePiece;
    const auto flushed = store_->flush();
    most_bytes = kAny;
    ASSERT_EQ(flushed.has_value(), i < 7) << "field a is written, text is not";
  }
  EXPECT_EQ(pieces_of_no_segment(), 0);
  EXPECT_EQ(count_rows("tsdb_strips"), 16);
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(store_->stats().segments, 1U);
  EXPECT_EQ(long_texts(), 8U);
}

TEST_F(OutOfMemoryTest, WhatCannotBeJoinedStaysAndKeepsNoOthersFromIt) {
  for (int i = 0; i < 7; ++i) {
    must_write("m text=\"" + std::string(500'000, 'x') + "\" " + std::to_string(i) + "\nother f=1 " +
               std::to_string(i) + "\n");
    ASSERT_TRUE(store_->flush());
  }
  must_write("m text=\"last\" 7\nother f=1 7\n");
  ASSERT_EQ(store_->stats().segments, 14U);
  most_bytes = kLargePiece;
  const auto refused = store_->flush();
  most_bytes = kAny;
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kExhausted);
  EXPECT_EQ(store_->stats().segments, 9U) << "those of the other measurement are one";
  EXPECT_EQ(long_texts(), 8U);
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(store_->stats().segments, 2U);
  EXPECT_EQ(long_texts(), 8U);
}

}  // namespace
}  // namespace gpuscale::tsdb
