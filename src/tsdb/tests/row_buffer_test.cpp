// SPDX-License-Identifier: Apache-2.0
#include "tsdb/row_buffer.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <map>
#include <random>

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

TEST(RowPieces, GiveEveryRowOfEveryRangeInItsOrder) {
  std::mt19937 random(5);
  for (const std::size_t reserved : {0U, 1U, 300U}) {
    RowPieces rows(3);
    rows.reserve(reserved);
    EXPECT_TRUE(rows.empty());
    std::vector<const std::uint64_t*> places;
    for (std::uint64_t i = 0; i < 1'000; ++i) {
      std::uint64_t* const row = rows.add();
      for (std::uint64_t word = 0; word < 3; ++word) row[word] = 3 * i + word;
      EXPECT_EQ(rows.newest(), row);
      EXPECT_EQ(rows.before_newest(), places.empty() ? nullptr : places.back());
      places.push_back(row);
    }
    ASSERT_EQ(rows.size(), places.size());
    for (std::size_t i = 0; i < places.size(); ++i)
      ASSERT_EQ(rows[i], places[i]) << "rows stay where they are";
    for (int round = 0; round < 500; ++round) {
      const std::size_t begin = random() % (rows.size() + 1);
      const std::size_t end = begin + random() % (rows.size() + 1 - begin);
      std::size_t next = begin;
      rows.each({begin, end}, [&](const std::uint64_t* row) {
        ASSERT_EQ(row, places[next]);
        ASSERT_EQ(row[2], 3 * next + 2);
        ++next;
      });
      ASSERT_EQ(next, end);
    }
  }
}

TEST(RowArena, GivesEveryWordOnceAndItsSlabsToTheNext) {
  constexpr std::size_t kKept = 4;
  SlabPool slabs(kKept * SlabPool::kBytes);
  std::mt19937 random(8);
  for (int life = 0; life < 3; ++life) {
    RowArena arena(life == 2 ? nullptr : &slabs);
    std::vector<std::span<std::uint64_t>> taken;
    for (std::size_t bytes = 0; bytes < 8 * SlabPool::kBytes;) {
      const std::size_t words = random() % 50 == 0 ? 2 * SlabPool::kBytes / 8 : 1 + random() % 2'000;
      taken.emplace_back(arena.take(words), words);
      std::fill(taken.back().begin(), taken.back().end(), taken.size());
      bytes += words * sizeof(std::uint64_t);
    }
    for (std::size_t i = 0; i < taken.size(); ++i) {
      ASSERT_EQ(taken[i].front(), i + 1);
      ASSERT_EQ(taken[i].back(), i + 1);
    }
    if (life == 1) {
      EXPECT_EQ(slabs.kept(), 0U) << "they were taken first";
    }
  }
  EXPECT_EQ(slabs.kept(), kKept);
}

TEST(RowBuffer, RowsOfAnArenaAreTheSameLateOnesToo) {
  SlabPool slabs(0);
  RowArena arena(&slabs);
  RowBuffer in_arena;
  RowBuffer alone;
  FieldLists lists;
  std::mt19937 random(9);
  for (std::int64_t i = 0; i < 3'000; ++i) {
    const std::int64_t time = random() % 40 == 0 ? i - static_cast<std::int64_t>(random() % 20) : i;
    const std::array<CellValue, 1> cells = {
        CellValue{std::bit_cast<std::uint64_t>(0.25 * static_cast<double>(i)), {}}};
    for (RowBuffer* rows : {&in_arena, &alone}) {
      rows->add(time, kShape, cells, lists, rows == &in_arena ? &arena : nullptr);
      rows->settle();
    }
  }
  Column a;
  Column b;
  std::size_t place = 0;
  in_arena.collect(kField, {}, a, place);
  alone.collect(kField, {}, b, place);
  EXPECT_EQ(a.times, b.times);
  EXPECT_EQ(a.floats, b.floats);
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

CellName integer_field(FieldId field) {
  return {field, FieldType::kInteger};
}

TEST(RowBuffer, ALineOfManyFieldsAsksForNoRoomInTheRowsBeforeIt) {
  FieldLists lists;
  RowBuffer rows;
  std::size_t taken = 0;
  for (std::int64_t time = 0; time < 20'000; ++time)
    taken += rows.add(time, std::array{integer_field(0)}, std::array{CellValue{1, {}}}, lists);
  std::vector<CellName> wide;
  for (FieldId field = 1; field <= 4'000; ++field) wide.push_back(integer_field(field));
  taken += rows.add(20'000, wide, std::vector<CellValue>(wide.size(), CellValue{2, {}}), lists);
  EXPECT_LT(taken, 20'000U * 3 * sizeof(std::uint64_t) + RowBuffer::kMostWidened * sizeof(std::uint64_t));
  std::vector<std::int64_t> times;
  rows.times(times);
  EXPECT_EQ(times.size(), 20'001U);
}

TEST(RowBuffer, SaysWhatItTakesToLayRowsOutAnew) {
  FieldLists lists;
  RowBuffer rows;
  for (std::int64_t time = 0; time < 10; ++time)
    rows.add(time, std::array{integer_field(0)}, std::array{CellValue{1, {}}}, lists);
  const auto shape = std::array{integer_field(1), integer_field(2)};
  const std::size_t taken = rows.add(10, shape, std::array{CellValue{1, {}}, CellValue{2, {}}}, lists);
  EXPECT_EQ(taken, (10U * 2 + 5) * sizeof(std::uint64_t));
}

TEST(RowBuffer, RowsInPartsReadAsIfTheyWereInOne) {
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(random() % bound); };
  constexpr FieldId kFields = 90;
  FieldLists lists;
  RowBuffer rows;
  std::map<FieldId, std::map<std::int64_t, std::int64_t>> model;
  std::map<std::int64_t, int> times;
  std::int64_t newest = -1;
  for (std::uint32_t n = 0; n < 6'000; ++n) {
    const std::int64_t time = below(4) == 0 ? below(n + 1) : n;
    std::vector<CellName> shape;
    std::vector<CellValue> cells;
    for (std::uint32_t k = 1 + below(3); k > 0; --k) {
      const FieldId field = below(1 + std::min(n / 60, kFields - 1));
      shape.push_back(integer_field(field));
      cells.push_back({n + k, {}});
      model[field][time] = n + k;
    }
    if (time <= newest) {
      EXPECT_FALSE(rows.is_newer(time));
    }
    newest = std::max(newest, time);
    ++times[time];
    rows.add(time, shape, cells, lists);
    if (below(5) == 0) rows.settle();
  }
  rows.settle();
  ASSERT_NE(rows.older(), nullptr) << "else this test is about nothing";
  std::vector<std::int64_t> seen;
  rows.times(seen);
  std::vector<std::int64_t> expected;
  for (const auto& [time, count] : times) expected.push_back(time);
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(rows.first_time(), expected.front());
  std::size_t place = 0;
  for (const auto& [field, samples] : model) {
    for (const TimeRange range : {TimeRange{0, 10'000}, TimeRange{1'000, 1'100}, TimeRange{5'900, 7'000}}) {
      std::vector<std::int64_t> wanted;
      for (const auto& [time, value] : samples)
        if (time >= range.min_ns && time <= range.max_ns) wanted.push_back(value);
      Column all;
      all.type = FieldType::kInteger;
      rows.collect(field, range, all, place);
      ASSERT_EQ(all.integers, wanted) << field;
      Column last;
      last.type = FieldType::kInteger;
      rows.collect_newest(field, range, last, place);
      ASSERT_EQ(last.integers.size(), wanted.empty() ? 0U : 1U);
      if (wanted.empty()) continue;
      ASSERT_EQ(last.integers.back(), wanted.back());
      ASSERT_TRUE(rows.has_rows(range));
    }
  }
}

}  // namespace
}  // namespace gpuscale::tsdb
