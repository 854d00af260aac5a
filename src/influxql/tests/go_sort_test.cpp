// SPDX-License-Identifier: Apache-2.0
#include "influxql/go_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
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

/// What sort.Sort of Go 1.19.8 made of the same items, as FNV-1a over where each had stood.
TEST(GoSort, LeavesEqualOnesWhereGoLeavesThem) {
  struct Case {
    int size;
    std::uint32_t values;
    std::uint32_t seed;
    std::uint64_t order;
  };
  constexpr Case kCases[] = {
      {13, 3, 1, 0x72dc6480c11d1ad1U},     {40, 5, 2, 0x210b8bb270b074a1U},
      {49, 7, 3, 0x490c2d4ba821f9edU},     {50, 2, 4, 0xf0c5c26ef162bc0eU},
      {64, 9, 5, 0x14e4e72ed314ce43U},     {100, 3, 6, 0xda054c38adc9d2c1U},
      {100, 50, 7, 0xd5397a053e15188fU},   {150, 12, 8, 0x5c04206fd7fb63a2U},
      {300, 4, 9, 0x628ee570f909e5cbU},    {300, 100, 10, 0xceeb133d869a186dU},
      {1000, 10, 11, 0xf7eb4a94733c4867U}, {1000, 500, 12, 0x3f6a538f31631597U},
      {5000, 30, 13, 0x52bc3c7bee98c21bU},
  };
  for (const Case& c : kCases) {
    std::vector<Item> items;
    std::uint32_t x = c.seed;
    for (int i = 0; i < c.size; ++i) {
      x = x * 1'103'515'245U + 12'345U;
      items.emplace_back(static_cast<int>((x >> 16U) % c.values), i);
    }
    std::uint64_t order = 14'695'981'039'346'656'037U;
    for (const Item& item : sorted(items))
      order = (order ^ static_cast<std::uint64_t>(item.second)) * 1'099'511'628'211U;
    EXPECT_EQ(order, c.order) << c.size << " items of " << c.values << " values";
  }
}

}  // namespace
}  // namespace gpuscale::influxql
