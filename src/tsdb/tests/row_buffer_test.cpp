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
  FieldLists lists;
  rows.add(time_ns, kShape, cells, lists);
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

TEST(FieldLists, SeriesWithTheSameFieldsShareOneList) {
  FieldLists lists;
  const CellName first{1, FieldType::kFloat};
  const CellName second{2, FieldType::kInteger};
  const auto both = lists.of({first, second});
  EXPECT_EQ(lists.of({first, second}), both);
  EXPECT_NE(lists.of({second, first}), both) << "the order is where the values are";
  for (FieldId other = 3; other < 200; ++other) lists.of({CellName{other, FieldType::kFloat}});
  EXPECT_EQ(*lists.of({first, second}), *both) << "forgotten, and made anew";
  EXPECT_EQ(both->size(), 2U) << "who has a list keeps it";
}

TEST(RowBuffer, KeepsEachFieldInItsPlaceAsLinesBringOthers) {
  FieldLists lists;
  const auto cell = [](std::uint64_t bits) { return CellValue{bits, {}}; };
  const CellName a{1, FieldType::kInteger};
  const CellName b{2, FieldType::kInteger};
  const CellName c{3, FieldType::kInteger};
  RowBuffer rows;
  RowBuffer neighbour;
  rows.add(10, std::array{a, b}, std::array{cell(1), cell(2)}, lists);
  neighbour.add(10, std::array{a, b}, std::array{cell(7), cell(8)}, lists);
  rows.add(20, std::array{c, a, c}, std::array{cell(5), cell(3), cell(6)}, lists);
  const auto values = [](const RowBuffer& buffer, const CellName& name) {
    Column out;
    out.type = FieldType::kInteger;
    std::size_t place = 0;
    buffer.collect(name.field, {0, 100}, out, place);
    return out.integers;
  };
  EXPECT_EQ(values(rows, a), (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(values(rows, b), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(values(rows, c), (std::vector<std::int64_t>{6})) << "named twice: the last counts";
  EXPECT_EQ(values(neighbour, b), (std::vector<std::int64_t>{8}));
  EXPECT_EQ(neighbour.fields().size(), 2U);
}

}  // namespace
}  // namespace gpuscale::tsdb
