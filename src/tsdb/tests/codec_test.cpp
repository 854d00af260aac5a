// SPDX-License-Identifier: Apache-2.0
/// Blocks and log entries as bytes and back.
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>

#include "tsdb/block_codec.h"
#include "tsdb/log_entry.h"

namespace gpuscale::tsdb {
namespace {

/// Blocks as telemetry, people and malice make them.
class BlockMaker {
 public:
  explicit BlockMaker(std::uint32_t seed) : random_(seed) {}

  ColumnBlock make() {
    ColumnBlock block;
    const std::size_t rows = 1 + below(200);
    block.times = times(rows);
    for (std::size_t i = below(6); i < 6; ++i)
      block.columns.push_back(column(static_cast<FieldId>(i + 1), rows));
    return block;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::vector<std::int64_t> times(std::size_t rows) {
    std::vector<std::int64_t> out;
    std::int64_t at =
        below(3) == 0 ? std::numeric_limits<std::int64_t>::min() + 2 : 1'700'000'000'000'000'000;
    const bool regular = below(2) == 0;
    for (std::size_t i = 0; i < rows; ++i) {
      out.push_back(at);
      at += regular ? 1'000'000'000 : static_cast<std::int64_t>(1 + below(5'000'000'000));
    }
    return out;
  }

  BlockColumn column(FieldId field, std::size_t rows) {
    BlockColumn column;
    column.field = field;
    column.type = static_cast<FieldType>(below(4));
    const std::size_t filled = below(3) == 0 ? below(rows + 1) : rows;
    const std::size_t style = below(4);
    for (std::size_t i = 0; i < filled; ++i) add(column, style);
    if (below(2) == 0) {
      column.present.assign(filled, 1);
      for (auto& present : column.present) present = below(4) == 0 ? 0 : 1;
    }
    return column;
  }

  void add(BlockColumn& column, std::size_t style) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    constexpr double kOdd[] = {0.0,
                               -0.0,
                               std::numeric_limits<double>::quiet_NaN(),
                               kInfinity,
                               -kInfinity,
                               std::numeric_limits<double>::denorm_min(),
                               std::numeric_limits<double>::max()};
    switch (column.type) {
      case FieldType::kFloat: {
        double value =
            style == 0 ? kOdd[below(7)] : static_cast<double>(below(10'000)) / (style == 1 ? 100.0 : 7.0);
        column.bits.push_back(std::bit_cast<std::uint64_t>(value));
        break;
      }
      case FieldType::kInteger:
        column.bits.push_back(style == 0   ? (static_cast<std::uint64_t>(random_()) << 32U) ^ random_()
                              : style == 1 ? 1ULL << 63U
                                           : below(100));
        break;
      case FieldType::kBoolean:
        column.bits.push_back(below(2));
        break;
      case FieldType::kString:
        column.strings.push_back(std::string(below(20), style == 0 ? '\0' : 'x') +
                                 (style == 1 ? "温度\"\n" : ""));
        break;
    }
  }

  std::mt19937 random_;
};

/// What a reader sees: absent entries have no value.
std::string seen(const ColumnBlock& block) {
  std::string out;
  for (const std::int64_t time : block.times) out += std::to_string(time) + " ";
  for (const BlockColumn& column : block.columns) {
    out += "\n" + std::to_string(column.field) + ":" + std::to_string(static_cast<int>(column.type));
    for (std::size_t row = 0; row < block.times.size(); ++row) {
      if (!column.has(row)) {
        out += " -";
      } else {
        out += " " +
               (column.type == FieldType::kString ? column.strings[row] : std::to_string(column.bits[row]));
      }
    }
  }
  return out;
}

TEST(BlockCodec, GivesBackWhatItWasGivenBitByBit) {
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    const ColumnBlock block = BlockMaker(seed).make();
    const auto back = decode_block(encode_block(block));
    ASSERT_TRUE(back) << seed << ": " << back.error().message();
    ASSERT_EQ(seen(*back), seen(block)) << seed;
  }
}

TEST(BlockCodec, DamageIsAnErrorOrAnotherBlockButNeverACrash) {
  std::mt19937 random(5);
  int refused = 0;
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    std::string bytes = encode_block(BlockMaker(seed).make());
    bytes[random() % bytes.size()] ^= static_cast<char>(1U << (random() % 8));
    if (random() % 2 == 0) bytes.resize(random() % bytes.size());
    const auto back = decode_block(bytes);
    if (back) continue;
    EXPECT_EQ(back.error().code(), Errc::kCorrupt);
    ++refused;
  }
  EXPECT_GT(refused, 100);
  EXPECT_FALSE(decode_block(""));
}

TEST(BlockCodec, TelemetryShrinksAtLeastFourfold) {
  ColumnBlock block;
  BlockColumn utilization{1, FieldType::kFloat, {}, {}, {}};
  std::mt19937 random(9);
  for (int i = 0; i < 3'600; ++i) {
    block.times.push_back(1'700'000'000'000'000'000 + i * 1'000'000'000LL);
    utilization.bits.push_back(std::bit_cast<std::uint64_t>(static_cast<double>(random() % 1'000) / 10));
  }
  block.columns.push_back(utilization);
  EXPECT_LT(encode_block(block).size() * 4, 3'600U * 16U);
}

TEST(LogEntry, GivesBackItsBatches) {
  const std::string large(300'000, 'x');
  const auto back = decode_log_entry(encode_log_entry({"", "a", large, std::string_view("\0b", 2)}));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, (std::vector<std::string>{"", "a", large, std::string("\0b", 2)}));
}

TEST(LogEntry, DamageIsAnError) {
  const std::string entry = encode_log_entry({"abc", std::string(1'000, 'y')});
  for (const std::string& bytes :
       {std::string(), std::string("rubbish"), entry.substr(0, entry.size() / 2)}) {
    const auto back = decode_log_entry(bytes);
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code(), Errc::kCorrupt);
  }
}

}  // namespace
}  // namespace gpuscale::tsdb
