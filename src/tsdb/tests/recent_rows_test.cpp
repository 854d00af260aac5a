// SPDX-License-Identifier: Apache-2.0
#include "tsdb/recent_rows.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace gpuscale::tsdb {
namespace {

constexpr CellName kLast{100'000, FieldType::kInteger};

/// Some fields of their own, and kLast behind them.
std::vector<CellName> shape_of(std::size_t width) {
  std::vector<CellName> shape;
  for (std::size_t i = 1; i < width; ++i)
    shape.push_back({static_cast<FieldId>(width * 10 + i), FieldType::kInteger});
  shape.push_back(kLast);
  return shape;
}

struct Row {
  std::uint32_t place;
  std::int64_t time;
  std::uint64_t value;
  friend bool operator==(const Row&, const Row&) = default;
};

class RecentRowsTest : public ::testing::Test {
 protected:
  void add(std::uint32_t place, std::int64_t time, std::span<const CellName> shape) {
    const std::uint64_t value = added_.size();
    const std::vector<CellValue> cells(shape.size(), CellValue{value, {}});
    rows_.add(place, time, shape, cells, arena_);
    added_.push_back({place, time, value});
  }
  std::vector<Row> read(TimeRange range) const {
    std::vector<Row> out;
    rows_.each(kLast, range, [&out](std::uint32_t place, std::int64_t time, std::uint64_t bits) {
      out.push_back({place, time, bits});
    });
    return out;
  }
  std::vector<Row> expected(TimeRange range) const {
    std::vector<Row> out;
    for (const Row& row : added_) {
      if (row.time >= range.min_ns && row.time <= range.max_ns) out.push_back(row);
    }
    return out;
  }

  SlabPool slabs_{std::size_t{64} << 20U};
  RowArena arena_{&slabs_};
  RecentRows rows_;
  std::vector<Row> added_;
};

TEST_F(RecentRowsTest, WhatItCoversItHasOfEveryWidth) {
  std::mt19937 random(3);
  std::vector<std::vector<CellName>> shapes;
  for (const std::size_t width : {1U, 3U, 12U, 12U, 12U, 253U, 254U, 255U, 700U, 4'094U})
    shapes.push_back(shape_of(width));
  std::int64_t covered_at_most = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t time = 1; time <= 3'000; ++time) {
    for (std::uint32_t place = 0; place < 3; ++place)
      add(place, time, shapes[random() % (random() % 4 == 0 ? shapes.size() : 5)]);
    if (time % 50 != 0) continue;
    ASSERT_TRUE(rows_.covers(time));
    std::int64_t from = time;
    while (from > 1 && rows_.covers(from - 1)) --from;
    covered_at_most = std::min(covered_at_most, time - from + 1);
    const std::int64_t middle = from + (time - from) / 2;
    for (const TimeRange range : {TimeRange{from, time}, {middle, time}, {middle, middle}, {time, time + 9}})
      ASSERT_EQ(read(range), expected(range)) << time;
  }
  EXPECT_LT(covered_at_most, 1'000) << "older rows have gone";
}

TEST_F(RecentRowsTest, ARowWiderThanAPieceIsNotCovered) {
  add(1, 1, shape_of(2));
  add(1, 2, shape_of(4'095));
  add(1, 3, shape_of(2));
  EXPECT_FALSE(rows_.covers(2));
  EXPECT_TRUE(rows_.covers(3));
  EXPECT_EQ(read({3, 9}), expected({3, 9}));
}

TEST(RecentRowsMemoryTest, ItTakesNoMoreHoweverMuchComes) {
  SlabPool slabs(std::size_t{64} << 20U);
  {
    RowArena arena(&slabs);
    RecentRows rows;
    const std::array shapes{shape_of(2'000), shape_of(1), shape_of(12), shape_of(4'000)};
    for (std::int64_t time = 1; time < 40'000; ++time) {
      const auto& shape = shapes[static_cast<std::size_t>(time) % shapes.size()];
      const std::vector<CellValue> cells(shape.size());
      rows.add(0, time, shape, cells, arena);
    }
  }
  EXPECT_GT(slabs.kept(), 0U);
  EXPECT_LE(slabs.kept() * SlabPool::kBytes, std::size_t{6} << 20U);
}

}  // namespace
}  // namespace gpuscale::tsdb
