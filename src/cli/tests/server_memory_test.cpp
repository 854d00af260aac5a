// SPDX-License-Identifier: Apache-2.0
#include "cli/server_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace gpuscale::cli {
namespace {

struct alignas(256) Wide {
  char bytes[256];
};

TEST(ServerMemory, WhatWasTakenBeforeAndAfterTheChoiceGoesBackWhereItCameFrom) {
  auto before = std::make_unique<std::vector<std::string>>();
  for (int i = 0; i < 1'000; ++i)
    before->push_back(std::string(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26)));
  const std::string_view chosen = choose_server_memory();
  EXPECT_TRUE(chosen == "mimalloc" || chosen == "glibc") << chosen;
  EXPECT_EQ(choose_server_memory(), chosen);

  std::vector<std::string> after(*before);  // grows from one side, shrinks on the other
  before->resize(10);
  before->shrink_to_fit();
  before.reset();
  // Pieces of one thread are given back by another, as those of requests are.
  std::thread other([pieces = std::move(after)]() mutable {
    for (int i = 0; i < 1'000; ++i)
      ASSERT_EQ(pieces[static_cast<std::size_t>(i)],
                std::string(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26)));
    pieces.clear();
    pieces.shrink_to_fit();
  });
  other.join();
}

TEST(ServerMemory, WideAlignmentsHugePiecesAndEmptyOnesWorkAsEver) {
  choose_server_memory();
  const auto wide = std::make_unique<Wide[]>(10);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(wide.get()) % alignof(Wide), 0U);
  std::vector<char> huge(std::size_t{100} << 20U, 'x');
  EXPECT_EQ(huge.back(), 'x');
  const std::unique_ptr<int[]> none(new int[0]);
  EXPECT_NE(none.get(), nullptr);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which end the program at that
  EXPECT_THROW(static_cast<void>(std::make_unique<char[]>(std::size_t{1} << 62U)), std::bad_alloc);
#endif
}

}  // namespace
}  // namespace gpuscale::cli
