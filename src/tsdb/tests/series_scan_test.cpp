// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_scan.h"

#include <gmock/gmock.h>

#include <map>
#include <numeric>

namespace gpuscale::tsdb {
namespace {

/// Series 0, 1, 2 ... in memory, of which number i has i % 4 samples: i, i + 1, i + 2 at those times.
ScanView view_of(std::size_t series) {
  ScanView view;
  view.type = FieldType::kInteger;
  view.head.type = FieldType::kInteger;
  for (std::size_t i = 0; i < series; ++i) {
    for (std::size_t sample = 0; sample < i % 4; ++sample) {
      view.head.times.push_back(static_cast<std::int64_t>(i + sample));
      view.head.integers.push_back(static_cast<std::int64_t>(i + sample));
    }
    view.head_ends.push_back(view.head.times.size());
  }
  return view;
}

std::vector<SeriesId> ids_of(std::size_t series) {
  std::vector<SeriesId> ids(series);
  std::iota(ids.begin(), ids.end(), 1);
  return ids;
}

TEST(SeriesScan, GivesEachSeriesItsSamplesInOrderHoweverManyHelp) {
  for (const std::size_t series : {0U, 1U, 7U, 8U, 9U, 3'000U}) {
    const ScanView view = view_of(series);
    const auto ids = ids_of(series);
    for (std::size_t helpers = 0; helpers < 4; ++helpers) {
      std::size_t next = 0;
      ASSERT_TRUE(
          scan_series(view, ids, helpers, [&](std::size_t index, const Column& column) -> Result<void> {
            for (; next < index; ++next)
              EXPECT_EQ(next % 4, 0U) << "only series without samples are left out";
            ++next;
            std::vector<std::int64_t> wanted(index % 4);
            std::iota(wanted.begin(), wanted.end(), static_cast<std::int64_t>(index));
            EXPECT_EQ(column.times, wanted);
            EXPECT_EQ(column.integers, wanted);
            return {};
          }));
      for (; next < series; ++next) EXPECT_EQ(next % 4, 0U) << "none is lost at the end";
    }
  }
}

/// A segment of one float field. @param odd the series, counted from 0, whose chunk does not fit its times
std::pair<std::shared_ptr<const Segment>, std::shared_ptr<const Strip>> segment_of(
    const std::vector<std::pair<SeriesId, std::vector<std::int64_t>>>& series, double value,
    std::size_t odd = static_cast<std::size_t>(-1)) {
  DirectoryWriter directory;
  StripWriter strip(FieldType::kFloat);
  for (std::size_t i = 0; i < series.size(); ++i) {
    std::vector<std::int64_t> times = series[i].second;
    Column column;
    column.times = times;
    for (const std::int64_t time : times)
      column.floats.push_back(value + static_cast<double>(time % 10) / 10);
    strip.add(times, column);
    for (int more = 0; i == odd && more < 50; ++more) times.push_back(times.back() + 1);
    directory.add(series[i].first, times);
  }
  auto segment = Segment::decode({}, std::move(directory).take());
  auto opened = Strip::open(std::move(strip).take(), series.size());
  EXPECT_TRUE(segment && opened);
  return {*segment, *opened};
}

/// Three segments of 400 series, of which the second overlaps the first and lacks every fifth series.
ScanView view_of_segments(std::vector<std::map<std::int64_t, double>>& expected, std::size_t odd) {
  constexpr std::size_t kSeries = 400;
  ScanView view;
  view.type = FieldType::kFloat;
  view.range = {0, 1'000};
  expected.assign(kSeries, {});
  for (int s = 0; s < 3; ++s) {
    std::vector<std::pair<SeriesId, std::vector<std::int64_t>>> series;
    for (std::size_t i = 0; i < kSeries; ++i) {
      if (s == 1 && i % 5 == 0) continue;
      std::vector<std::int64_t> times;
      for (std::int64_t t = 0; t < 20; ++t)
        times.push_back(s * 90 + t * 5 + static_cast<std::int64_t>(i % 3));
      for (const std::int64_t time : times) expected[i][time] = s * 100 + static_cast<double>(time % 10) / 10;
      series.emplace_back(i + 1, std::move(times));
    }
    const auto [segment, strip] = segment_of(series, s * 100, s == 2 ? odd : static_cast<std::size_t>(-1));
    view.segments.push_back(segment);
    view.strips.push_back(strip);
  }
  return view;
}

TEST(SeriesScan, ReadsSegmentsWithSeveralHelpersAsWithNone) {
  std::vector<std::map<std::int64_t, double>> expected;
  const ScanView view = view_of_segments(expected, static_cast<std::size_t>(-1));
  const auto ids = ids_of(expected.size());
  for (std::size_t helpers = 0; helpers < 4; ++helpers) {
    std::size_t next = 0;
    ASSERT_TRUE(scan_series(view, ids, helpers, [&](std::size_t index, const Column& column) -> Result<void> {
      EXPECT_EQ(index, next++);
      std::map<std::int64_t, double> seen;
      for (std::size_t i = 0; i < column.times.size(); ++i) seen[column.times[i]] = column.floats[i];
      EXPECT_EQ(seen, expected[index]) << index;
      return {};
    }));
    EXPECT_EQ(next, expected.size());
  }
}

TEST(SeriesScan, TellsOfADamagedChunkAndOfNothingBehindIt) {
  constexpr std::size_t kOdd = 203;
  std::vector<std::map<std::int64_t, double>> expected;
  const ScanView view = view_of_segments(expected, kOdd);
  const auto ids = ids_of(expected.size());
  for (std::size_t helpers = 0; helpers < 4; ++helpers) {
    std::size_t next = 0;
    const auto done = scan_series(view, ids, helpers, [&](std::size_t index, const Column&) -> Result<void> {
      EXPECT_EQ(index, next++);
      return {};
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Errc::kCorrupt);
    EXPECT_LE(next, kOdd);
    EXPECT_GE(next + 8, kOdd) << "but for those that were decoded with it, all before it";
  }
}

TEST(SeriesScan, IsOverWithTheFirstErrorOfWhoTakesIt) {
  const ScanView view = view_of(3'000);
  const auto ids = ids_of(3'000);
  for (std::size_t helpers = 0; helpers < 4; ++helpers) {
    std::size_t taken = 0;
    const auto done = scan_series(view, ids, helpers, [&](std::size_t, const Column&) -> Result<void> {
      if (++taken == 500) return fail(Errc::kExhausted, "enough");
      return {};
    });
    EXPECT_EQ(done.error().message(), "enough");
    EXPECT_EQ(taken, 500U);
  }
}

TEST(SeriesScan, SurvivesATakerThatThrows) {
  const ScanView view = view_of(3'000);
  const auto ids = ids_of(3'000);
  for (std::size_t helpers = 0; helpers < 4; ++helpers) {
    const auto take = [](std::size_t index, const Column&) -> Result<void> {
      if (index > 900) throw std::bad_alloc();
      return {};
    };
    EXPECT_THROW((void)scan_series(view, ids, helpers, take), std::bad_alloc);
  }
}

}  // namespace
}  // namespace gpuscale::tsdb
