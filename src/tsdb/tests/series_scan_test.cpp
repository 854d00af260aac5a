// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_scan.h"

#include <gmock/gmock.h>

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
      EXPECT_GE(next + 1, series);
    }
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
