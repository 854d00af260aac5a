// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head_scan.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace gpuscale::tsdb {
namespace {

constexpr PolicyId kPolicy = 7;

bool alive(PolicyId /*policy*/) {
  return true;
}
MeasurementId owner(SeriesId /*series*/) {
  return 1;
}

/// What a fleet wrote, and what its heads must say of it: series, then time, then value.
class FleetTest : public ::testing::Test {
 protected:
  static constexpr SeriesId kSeries = 300;  // enough to be read by the rows that came last
  static constexpr CellName kLoad{1, FieldType::kFloat};
  static constexpr CellName kClock{2, FieldType::kInteger};

  FleetTest() {
    for (SeriesId id = 1; id <= kSeries; ++id) ids_.push_back(id);
  }

  void write(SeriesId series, std::int64_t time, double load, bool with_clock = false) {
    BatchWriter batch(kPolicy);
    std::vector<CellName> shape{kLoad};
    std::vector<CellValue> cells{{std::bit_cast<std::uint64_t>(load), {}}};
    if (with_clock) {
      shape.insert(shape.begin(), kClock);
      cells.insert(cells.begin(), {static_cast<std::uint64_t>(time), {}});
    }
    batch.add_row(series, time, shape, cells);
    ASSERT_TRUE(head_.apply(std::move(batch).take(), alive, owner, changes_));
    written_[series][time] = load;
  }
  std::map<SeriesId, std::map<std::int64_t, double>> scan(TimeRange range) const {
    Column column;
    column.type = FieldType::kFloat;
    const Head* const heads[] = {nullptr, &head_};
    const auto ends = scan_heads(heads, {kPolicy, kLoad.field, range, Wanted::kAll}, ids_, column);
    std::map<SeriesId, std::map<std::int64_t, double>> out;
    std::size_t at = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      for (; at < ends[i]; ++at) {
        const auto& sofar = out[ids_[i]];
        EXPECT_TRUE(sofar.empty() || sofar.rbegin()->first < column.times[at]) << "in the order of time";
        out[ids_[i]][column.times[at]] = column.floats[at];
      }
    }
    return out;
  }
  std::map<SeriesId, std::map<std::int64_t, double>> expected(TimeRange range) const {
    std::map<SeriesId, std::map<std::int64_t, double>> out;
    for (const SeriesId id : ids_) {
      const auto series = written_.find(id);
      if (series == written_.end()) continue;
      for (const auto& [time, load] : series->second) {
        if (time >= range.min_ns && time <= range.max_ns) out[id][time] = load;
      }
    }
    return out;
  }
  bool covers(std::int64_t from) const { return head_.policies().at(kPolicy).recent().covers(from); }

  std::vector<SeriesId> ids_;
  Head head_;
  Changes changes_;
  std::map<SeriesId, std::map<std::int64_t, double>> written_;
};

TEST_F(FleetTest, TheRowsThatCameLastSayWhatTheSeriesSay) {
  std::mt19937 random(5);
  for (std::int64_t second = 1; second <= 40; ++second) {
    for (SeriesId id = 1; id <= kSeries; ++id) {
      if (random() % 10 != 0) write(id, second, static_cast<double>(random() % 100), id % 3 == 0);
    }
    ASSERT_TRUE(covers(second));
    for (const TimeRange range :
         {TimeRange{second, second}, {second - 2, second}, {second - 3, second - 1}, {0, 99}})
      ASSERT_EQ(scan(range), expected(range)) << "second " << second;
  }
}

TEST_F(FleetTest, RowsThatComeLateTwiceOrInAnyOrderAreReadFromTheSeries) {
  std::mt19937 random(6);
  int covered = 0;
  for (int step = 0; step < 3'000; ++step) {
    const std::int64_t newest = 10 + step / 300;
    const std::int64_t late = random() % 200 == 0 ? static_cast<std::int64_t>(random() % 5) : 0;
    write(1 + random() % kSeries, newest - late, static_cast<double>(step), random() % 2 == 0);
    if (step % 100 != 0) continue;
    for (const TimeRange range : {TimeRange{newest, newest}, {newest - 1, newest + 1}, {0, 99}}) {
      covered += covers(range.min_ns) ? 1 : 0;
      ASSERT_EQ(scan(range), expected(range)) << "step " << step;
    }
  }
  EXPECT_GT(covered, 0);
  EXPECT_LT(covered, 90);
}

TEST_F(FleetTest, WhatNoLongerFitsIsReadFromTheSeries) {
  constexpr std::int64_t kSeconds = 900;  // of 300 series: more than both halves hold
  for (std::int64_t second = 1; second <= kSeconds; ++second) {
    for (SeriesId id = 1; id <= kSeries; ++id) write(id, second, static_cast<double>(second), true);
  }
  EXPECT_FALSE(covers(1));
  EXPECT_TRUE(covers(kSeconds - 100));
  for (const TimeRange range : {TimeRange{1, 2}, {kSeconds / 2, kSeconds}, {kSeconds - 1, kSeconds}})
    EXPECT_EQ(scan(range), expected(range));
}

TEST_F(FleetTest, ADroppedSeriesAndOneThatWasNotAskedForAreLeftOut) {
  for (SeriesId id = 1; id <= kSeries + 20; ++id) write(id, 1, 1);
  head_.drop_series(5);
  written_.erase(5);
  ASSERT_TRUE(covers(1));
  EXPECT_EQ(scan({1, 1}), expected({1, 1}));
  write(5, 2, 9);
  EXPECT_EQ(scan({1, 2}), expected({1, 2}));
}

TEST_F(FleetTest, MoreShapesThanItKeepsAreReadFromTheSeries) {
  for (FieldId field = 10; field < 60; ++field) {
    BatchWriter batch(kPolicy);
    const std::vector<CellName> shape{kLoad, {field, FieldType::kBoolean}};
    const std::vector<CellValue> cells{{std::bit_cast<std::uint64_t>(static_cast<double>(field)), {}},
                                       {1, {}}};
    batch.add_row(field, 1, shape, cells);
    ASSERT_TRUE(head_.apply(std::move(batch).take(), alive, owner, changes_));
    written_[field][1] = static_cast<double>(field);
  }
  EXPECT_FALSE(covers(1));
  EXPECT_EQ(scan({1, 1}), expected({1, 1}));
}

}  // namespace
}  // namespace gpuscale::tsdb
