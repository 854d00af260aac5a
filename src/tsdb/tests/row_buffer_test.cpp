// SPDX-License-Identifier: Apache-2.0
#include "tsdb/row_buffer.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>

namespace gpuscale::tsdb {
namespace {

constexpr FieldId kField = 7;
constexpr std::array<CellName, 1> kShape = {CellName{kField, FieldType::kFloat}};

void add(RowBuffer& rows, std::int64_t time_ns, double value) {
  const std::array<CellValue, 1> cells = {CellValue{std::bit_cast<std::uint64_t>(value), {}}};
  rows.add(time_ns, kShape, cells);
}

std::vector<std::int64_t> times_between(const RowBuffer& rows, std::int64_t min_ns, std::int64_t max_ns) {
  Column out;
  std::size_t place = 0;
  rows.collect(kField, {min_ns, max_ns}, out, place);
  return out.times;
}

TEST(RowBuffer, GivesTheRowsOfEveryRangeWhateverItsSize) {
  RowBuffer rows;
  for (std::int64_t count = 0; count < 24; ++count) {
    if (count > 0) add(rows, 10 * count, 0.5 * static_cast<double>(count));
    for (std::int64_t min = 5; min <= 10 * count + 15; min += 5) {
      for (std::int64_t max = min; max <= 10 * count + 15; max += 5) {
        std::vector<std::int64_t> expected;
        for (std::int64_t row = 1; row <= count; ++row)
          if (10 * row >= min && 10 * row <= max) expected.push_back(10 * row);
        ASSERT_EQ(times_between(rows, min, max), expected) << count << " rows, " << min << " to " << max;
        ASSERT_EQ(rows.has_rows({min, max}), !expected.empty());
      }
    }
  }
}

TEST(RowBuffer, RowsThatCameLateAreInTheirPlaceAndTheLastWriteOfATimeWins) {
  RowBuffer rows;
  for (const std::int64_t time : {30, 10, 20, 10})
    add(rows, time, static_cast<double>(time) + (time == 10 ? 0 : 1));
  add(rows, 20, 99);
  rows.settle();
  Column out;
  std::size_t place = 0;
  rows.collect(kField, {0, 100}, out, place);
  EXPECT_EQ(out.times, (std::vector<std::int64_t>{10, 20, 30}));
  EXPECT_EQ(out.floats, (std::vector<double>{10, 99, 31}));
}

}  // namespace
}  // namespace gpuscale::tsdb
