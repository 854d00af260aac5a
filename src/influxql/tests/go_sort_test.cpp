// SPDX-License-Identifier: Apache-2.0
#include "influxql/go_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace gpuscale::influxql {
namespace {

using Item = std::pair<int, int>;  // what is compared, and where it stood

std::vector<Item> sorted(std::vector<Item> items) {
  go_sort(std::span(items), [](const Item& a, const Item& b) { return a.first < b.first; });
  return items;
}

TEST(GoSort, SortsWhateverComes) {
  std::mt19937 random(3);
  for (int round = 0; round < 2'000; ++round) {
    const int size = static_cast<int>(random() % 300);
    const int values = 1 + static_cast<int>(random() % 40);
    std::vector<Item> items;
    for (int i = 0; i < size; ++i) {
      const int value = static_cast<int>(random() % static_cast<unsigned>(values));
      // Random, ascending, descending, saw: each takes another way through the algorithm.
      const int shape = round % 4;
      items.emplace_back(shape == 0 ? value : shape == 1 ? i : shape == 2 ? -i : i % values, i);
    }
    std::vector<Item> got = sorted(items);
    ASSERT_TRUE(std::is_sorted(got.begin(), got.end(), [](auto& a, auto& b) { return a.first < b.first; }))
        << round;
    std::sort(got.begin(), got.end());
    std::sort(items.begin(), items.end());
    ASSERT_EQ(got, items) << round;
  }
}

TEST(GoSort, KeepsTheOrderOfEqualOnesUpToTwelve) {
  std::vector<Item> items;
  for (int i = 0; i < 12; ++i) items.emplace_back(i % 2, i);
  const std::vector<Item> got = sorted(items);
  EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
}

}  // namespace
}  // namespace gpuscale::influxql
