// SPDX-License-Identifier: Apache-2.0
/// What segments come to, second by second, against what their samples say.
#include <cmath>
#include <map>
#include <random>

#include "tests/store_fixture.h"
#include "tsdb/totals_codec.h"
#include "tsdb/totals_scan.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::int64_t kStart = 1'700'000'000 * kSlotNs;
const TotalsPlace kPlace{7, 0x1234};

template <typename T>
struct SecondOf {
  std::int64_t count = 0;
  T sum{};
  T least{};
  T most{};
  friend bool operator==(const SecondOf&, const SecondOf&) = default;
  void add(std::int64_t samples, T by, T low, T high) {
    least = count == 0 ? low : std::min(least, low);
    most = count == 0 ? high : std::max(most, high);
    count += samples;
    sum += by;
  }
};
template <typename T>
using Seconds = std::map<std::int64_t, SecondOf<T>>;

template <typename T>
const std::vector<T>& values_of(const Column& column) {
  if constexpr (std::is_same_v<T, double>) {
    return column.floats;
  } else {
    return column.integers;
  }
}

template <typename T>
void add_column(Seconds<T>& seconds, const Column& column) {
  for (std::size_t i = 0; i < column.times.size(); ++i) {
    const T value = values_of<T>(column)[i];
    seconds[column.times[i] / kSlotNs].add(1, value, value, value);
  }
}

// --- bytes
// -----------------------------------------------------------------------------------------------------

/// Three series, a sample every half a second of the first and every second of the others; none in second 4.
SlotTotals totals_of_three(FieldType type) {
  TotalsBuilder builder(type, {kStart, kStart + 9 * kSlotNs}, 1'000);
  for (int series = 0; series < 3; ++series) {
    Column column;
    column.type = type;
    for (std::int64_t half = series; half < 20; half += series == 0 ? 1 : 2) {
      if (half / 2 == 4) continue;
      column.times.push_back(kStart + half * kSlotNs / 2);
      column.floats.push_back(static_cast<double>(half * series) / 3);
      column.integers.push_back(half * series - 5);
    }
    builder.add(column);
  }
  auto made = std::move(builder).take(2);
  EXPECT_TRUE(made);
  return *made;
}

TEST(SlotTotals, AreTheSameOnceTheyWereBytes) {
  for (const FieldType type : {FieldType::kFloat, FieldType::kInteger}) {
    const SlotTotals totals = totals_of_three(type);
    EXPECT_EQ(totals.size(), 9U) << "no slot without samples";
    const auto back = decode_totals(encode_totals(totals, kPlace), kPlace);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ((*back)->type, type);
    EXPECT_EQ((*back)->first_ns, totals.first_ns);
    EXPECT_EQ((*back)->last_ns, totals.last_ns);
    EXPECT_EQ((*back)->counts, totals.counts);
    EXPECT_EQ((*back)->floats.sums, totals.floats.sums);
    EXPECT_EQ((*back)->floats.leasts, totals.floats.leasts);
    EXPECT_EQ((*back)->floats.mosts, totals.floats.mosts);
    EXPECT_EQ((*back)->integers.sums, totals.integers.sums);
    EXPECT_EQ((*back)->integers.leasts, totals.integers.leasts);
    EXPECT_EQ((*back)->integers.mosts, totals.integers.mosts);
  }
}

TEST(SlotTotals, OfAnotherFieldOrSegmentOrDamagedAreErrors) {
  const std::string bytes = encode_totals(totals_of_three(FieldType::kFloat), kPlace);
  for (const TotalsPlace& other : {TotalsPlace{8, kPlace.directory_sum}, TotalsPlace{kPlace.field, 0x1235}})
    EXPECT_FALSE(decode_totals(bytes, other));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_totals(damaged, kPlace)) << bit;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_totals(bytes.substr(0, size), kPlace)) << size;
}

TEST(SlotTotals, AreNotMadeWhereTheySaveNothingOrAreNoNumbers) {
  struct Case {
    const char* what;
    FieldType type;
    std::vector<std::int64_t> times;
    std::vector<double> values;
    std::size_t rows;
    std::size_t worth;
    bool made;
  };
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  const std::int64_t hour = 3'600 * kSlotNs;
  for (const Case& each : {
           Case{"enough in one second", FieldType::kFloat, {0, 1, 2}, {1, 2, 3}, 100, 3, true},
           Case{"too few in one second", FieldType::kFloat, {0, 1, 2}, {1, 2, 3}, 100, 4, false},
           Case{"seconds far apart", FieldType::kFloat, {0, hour}, {1, 2}, 100, 1, false},
           Case{"seconds far apart, of many rows", FieldType::kFloat, {0, hour}, {1, 2}, 100'000, 1, true},
           Case{"longer than any", FieldType::kFloat, {0, 300 * hour}, {1, 2}, 1U << 30U, 1, false},
           Case{"none", FieldType::kFloat, {}, {}, 100, 0, false},
           Case{"booleans", FieldType::kBoolean, {0, 1}, {1, 1}, 100, 1, false},
           Case{"no number", FieldType::kFloat, {0, 1}, {1, NAN}, 100, 1, false},
           Case{"an infinite one", FieldType::kFloat, {0, 1}, {1, kInfinite}, 100, 1, false},
           Case{"an infinite sum", FieldType::kFloat, {0, 1}, {1e308, 1e308}, 100, 1, false},
       }) {
    const TimeRange range{kStart, kStart + (each.times.empty() ? 0 : each.times.back())};
    TotalsBuilder builder(each.type, range, each.rows);
    Column column;
    column.type = each.type;
    for (const std::int64_t time : each.times) column.times.push_back(kStart + time);
    column.floats = each.values;
    if (!each.times.empty()) builder.add(column);
    EXPECT_EQ(std::move(builder).take(each.worth).has_value(), each.made) << each.what;
  }
}

TEST(SlotTotals, BeforeTheFirstSecondOfAllAreNotMade) {
  constexpr std::int64_t kEarliest = std::numeric_limits<std::int64_t>::min();
  TotalsBuilder builder(FieldType::kInteger, {kEarliest + 2, kEarliest + 3}, 1'000);
  Column column;
  column.type = FieldType::kInteger;
  column.times = {kEarliest + 2, kEarliest + 3};
  column.integers = {1, 2};
  builder.add(column);
  EXPECT_FALSE(std::move(builder).take(1));
}

TEST(SlotTotals, AreCutWhereARangeBeginsOrEndsInASlot) {
  SlotTotals totals;
  totals.first_ns = {10, kSlotNs + 10, 5 * kSlotNs};
  totals.last_ns = {20, kSlotNs + 10, 5 * kSlotNs + 7};
  struct Case {
    TimeRange range;
    RowRange whole;
    std::vector<std::pair<std::int64_t, std::int64_t>> cut;
  };
  for (const Case& each : {
           Case{{}, {0, 3}, {}},
           Case{{10, 5 * kSlotNs + 7}, {0, 3}, {}},
           Case{{11, 5 * kSlotNs + 7}, {1, 3}, {{11, 20}}},
           Case{{10, 5 * kSlotNs + 6}, {0, 2}, {{5 * kSlotNs, 5 * kSlotNs + 6}}},
           Case{{12, 13}, {1, 1}, {{12, 13}}},
           Case{{15, 5 * kSlotNs}, {1, 2}, {{15, 20}, {5 * kSlotNs, 5 * kSlotNs}}},
           Case{{21, kSlotNs + 9}, {1, 1}, {}},
           Case{{0, 9}, {0, 0}, {}},
           Case{{6 * kSlotNs, 7 * kSlotNs}, {3, 3}, {}},
       }) {
    const RowRange whole = whole_slots(totals, each.range);
    EXPECT_EQ(whole.size(), each.whole.size()) << each.range.min_ns;
    EXPECT_TRUE(whole.size() == 0 || whole.begin == each.whole.begin) << each.range.min_ns;
    std::vector<std::pair<std::int64_t, std::int64_t>> cut;
    for (const TimeRange& part : cut_slots(totals, each.range)) cut.emplace_back(part.min_ns, part.max_ns);
    EXPECT_EQ(cut, each.cut) << each.range.min_ns;
  }
}

// --- in a store
// ------------------------------------------------------------------------------------------------

class TotalsOfStoreTest : public StoreTest {
 protected:
  static constexpr std::size_t kSeries = 24;
  static constexpr std::int64_t kSeconds = 40;  ///< about what is written

  void SetUp() override { reopen({.samples_of_a_slot = 2}); }

  /// A stretch of time of most series, several samples a second; whole numbers, whose sums are exact.
  std::string round(std::int64_t from, std::int64_t seconds) {
    std::string lines;
    for (std::size_t s = 0; s < kSeries; ++s) {
      for (std::int64_t half = 0; half < 2 * seconds; ++half) {
        if (any(20) == 0) continue;
        const std::int64_t time = kStart + from * kSlotNs + half * kSlotNs / 2 + any(3);
        lines += "m,s=" + std::to_string(s) + " ";
        if (any(10) != 0) lines += "f=" + std::to_string(any(1'000) - 300) + ",";
        lines += "i=" + std::to_string(any(1'000) - 300) + "i " + std::to_string(time) + "\n";
      }
    }
    return lines;
  }
  std::int64_t any(std::int64_t below) {
    return std::uniform_int_distribution<std::int64_t>(0, below - 1)(random_);
  }
  std::vector<SeriesId> ids() {
    std::vector<SeriesId> out;
    for (const SeriesInfo& series : store_->series("db", "m")) out.push_back(series.id);
    return out;
  }
  std::vector<SeriesId> any_series() {
    const auto all = ids();
    if (all.empty()) return {};
    return {all[static_cast<std::size_t>(any(static_cast<std::int64_t>(all.size())))]};
  }

  /// @return the slots that were given as totals
  template <typename T>
  std::size_t check(const std::vector<SeriesId>& asked, const std::string& field, TimeRange range) {
    Seconds<T> expected;
    for (const SeriesId id : asked) {
      const auto column = store_->read("db", "", id, field, range);
      EXPECT_TRUE(column);
      if (column) add_column(expected, *column);
    }
    Seconds<T> found;
    std::size_t slots = 0;
    const auto scanned = store_->scan_totals(
        "db", "", asked, field, range,
        [&](const SlotTotals& totals, std::size_t begin, std::size_t end) -> Result<void> {
          const auto& numbers = totals.numbers<T>();
          for (std::size_t i = begin; i < end; ++i) {
            EXPECT_GE(totals.first_ns[i], range.min_ns);
            EXPECT_LE(totals.last_ns[i], range.max_ns);
            found[totals.first_ns[i] / kSlotNs].add(totals.counts[i], numbers.sums[i], numbers.leasts[i],
                                                    numbers.mosts[i]);
          }
          slots += end - begin;
          return {};
        },
        [&](std::size_t index, const Column& column) -> Result<void> {
          EXPECT_LT(index, asked.size());
          add_column(found, column);
          return {};
        });
    EXPECT_TRUE(scanned);
    EXPECT_EQ(found, expected) << field << " from " << range.min_ns - kStart << " to "
                               << range.max_ns - kStart;
    return slots;
  }
  std::size_t check_both(const std::vector<SeriesId>& asked, TimeRange range) {
    return check<double>(asked, "f", range) + check<std::int64_t>(asked, "i", range);
  }
  std::size_t check_some_ranges(const std::vector<SeriesId>& asked) {
    std::size_t slots = check_both(asked, {});
    for (int i = 0; i < 10; ++i) {
      const std::int64_t from = kStart + any(kSeconds * kSlotNs);
      slots += check_both(asked, {from, from + any(kSeconds * kSlotNs)});
    }
    return slots;
  }
  void write_and_join() {
    for (std::int64_t part = 0; part < 8; ++part) {
      must_write(round(part * kSeconds / 8, kSeconds / 8));
      ASSERT_TRUE(store_->flush());
    }
  }

  std::mt19937_64 random_{20261128};
};

TEST_F(TotalsOfStoreTest, StandForAJoinedSegmentAndAreThereAfterARestart) {
  write_and_join();
  ASSERT_EQ(store_->stats().segments, 1U);
  EXPECT_GE(check_both(ids(), {}), 2 * kSeconds - 2);
  reopen({.samples_of_a_slot = 2});
  EXPECT_GE(check_some_ranges(ids()), 2 * kSeconds - 2);
}

TEST_F(TotalsOfStoreTest, StandForNothingWhereASeriesIsNotAskedForOrGone) {
  write_and_join();
  auto some = ids();
  some.erase(some.begin() + 3);
  EXPECT_EQ(check_some_ranges(some), 0U);
  EXPECT_EQ(check_some_ranges({some.front()}), 0U);
  must_write("m,s=new f=1,i=1i " + std::to_string(kStart) + "\n");
  some = ids();
  some.erase(some.begin() + 3);
  EXPECT_EQ(check_some_ranges(some), 0U) << "as many series as the segment has, but others";
  ASSERT_TRUE(store_->drop_series("db", {ids()[3]}));
  EXPECT_EQ(check_some_ranges(ids()), 0U) << "its samples are in the segment until that is joined";
}

TEST_F(TotalsOfStoreTest, StandForNothingWhereSamplesSupersedeOthers) {
  write_and_join();
  must_write("m,s=5 f=1,i=1i " + std::to_string(kStart + 7 * kSlotNs) + "\n");
  EXPECT_EQ(check_both(ids(), {}), 0U) << "one in the head";
  check_some_ranges(ids());
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(check_both(ids(), {}), 0U) << "one in a segment";
  check_some_ranges(ids());
  EXPECT_GT(check_both(ids(), {kStart + 10 * kSlotNs, kStart + 20 * kSlotNs}), 0U)
      << "but it stands there beside the range";
}

TEST_F(TotalsOfStoreTest, FollowWhatIsDeleted) {
  write_and_join();
  ASSERT_TRUE(
      store_->delete_range("db", {ids()[2], ids()[9]}, {kStart + 5 * kSlotNs + 1, kStart + 25 * kSlotNs}));
  EXPECT_GT(check_some_ranges(ids()), 0U);
}

TEST_F(TotalsOfStoreTest, ThatAreDamagedOrLostAreDoneWithout) {
  for (const char* damage : {"UPDATE tsdb_totals SET bytes = substr(bytes, 2)", "DELETE FROM tsdb_totals",
                             "UPDATE tsdb_totals SET field = field + 64"}) {
    begin_anew();
    reopen({.samples_of_a_slot = 2});
    write_and_join();
    store_.reset();
    change_file(path_, damage);
    reopen({.samples_of_a_slot = 2});
    EXPECT_EQ(check_some_ranges(ids()), 0U) << damage;
  }
}

TEST_F(TotalsOfStoreTest, AreGoneWithTheirSegments) {
  const auto left = [this] {
    store_.reset();
    return count_rows("tsdb_totals");
  };
  write_and_join();
  EXPECT_EQ(left(), 2);
  reopen();
  ASSERT_TRUE(store_->drop_measurement("db", "m"));
  EXPECT_EQ(left(), 0);
}

TEST_F(TotalsOfStoreTest, AndSamplesComeToTheSameWhateverHappens) {
  std::size_t slots = 0;
  std::int64_t now = 0;  // in seconds
  for (int step = 0; step < 200; ++step) {
    const std::int64_t what = any(60);
    if (what < 56) {
      must_write(round(now++ % kSeconds, 1));
    } else if (what == 56) {
      must_write(round(any(kSeconds), 1 + any(2)));
    } else if (what == 57) {
      must_write("m,s=" + std::to_string(any(kSeries)) + " f=" + std::to_string(any(9)) + " " +
                 std::to_string(kStart + any(kSeconds * kSlotNs)) + "\n");
    } else if (what == 58) {
      const std::int64_t from = kStart + any(kSeconds * kSlotNs);
      ASSERT_TRUE(store_->delete_range("db", any_series(), {from, from + any(3 * kSlotNs)}));
    } else {
      ASSERT_TRUE(store_->drop_series("db", any_series()));
    }
    if (any(2) == 0) {
      ASSERT_TRUE(store_->flush());
    }
    if (step % 8 == 7) slots += check_some_ranges(ids());
  }
  EXPECT_GT(slots, 100U) << "it shows something";
}

}  // namespace
}  // namespace gpuscale::tsdb
