// SPDX-License-Identifier: Apache-2.0
#include "tsdb/store.h"

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "tests/store_fixture.h"
#include "tsdb/scan_helpers.h"

namespace gpuscale::tsdb {
namespace {

/// Every behaviour of samples holds wherever they are: in the head, replayed from the log, or in blocks.
enum class Where { kHead, kReplayed, kBlocks, kBlocksReopened };

class SamplesTest : public StoreTest, public ::testing::WithParamInterface<Where> {
 protected:
  void settle() {
    if (GetParam() == Where::kBlocks || GetParam() == Where::kBlocksReopened) {
      ASSERT_TRUE(store_->flush());
    }
    if (GetParam() == Where::kReplayed) reopen_after_crash();
    if (GetParam() == Where::kBlocksReopened) reopen();
  }
};

TEST_P(SamplesTest, AreReadBackByTime) {
  must_write("m,host=a f=1,i=-5i,s=\"x y\",b=t 10\nm,host=a f=2,i=7i,s=\"\",b=f 20\nm,host=b f=9 15\n");
  settle();
  EXPECT_EQ(samples("m", "f"), "10:1 20:2");
  EXPECT_EQ(samples("m", "i"), "10:-5 20:7");
  EXPECT_EQ(samples("m", "s"), "10:x y 20:");
  EXPECT_EQ(samples("m", "b"), "10:true 20:false");
  EXPECT_EQ(samples("m", "f", {}, "", 1), "15:9");
  EXPECT_EQ(samples("m", "f", {11, 20}), "20:2");
  EXPECT_EQ(samples("m", "f", {10, 10}), "10:1");
  EXPECT_EQ(samples("m", "f", {21, 30}), "");
  EXPECT_EQ(samples("m", "nosuch"), "");
}

TEST_P(SamplesTest, ComeInAnyOrderAndTheLastWriteOfAFieldWins) {
  must_write("m f=3 30\nm f=1 10\n");
  settle();
  must_write("m f=2 20\nm f=11,g=1 10\nm f=12 10\n");
  settle();
  EXPECT_EQ(samples("m", "f"), "10:12 20:2 30:3");
  EXPECT_EQ(samples("m", "g"), "10:1");
  must_write("m g=5 30\n");
  EXPECT_EQ(samples("m", "f"), "10:12 20:2 30:3") << "a later write of another field keeps this one";
  EXPECT_EQ(samples("m", "g"), "10:1 30:5");
}

TEST_P(SamplesTest, CanBeDeleted) {
  must_write("m,host=a f=1 10\nm,host=a f=2 20\nm,host=a f=3 30\nm,host=b f=4 20\n");
  settle();
  ASSERT_TRUE(store_->delete_range("db", {id_of("m")}, {15, 25}));
  EXPECT_EQ(samples("m", "f"), "10:1 30:3");
  EXPECT_EQ(samples("m", "f", {}, "", 1), "20:4");
  reopen();
  EXPECT_EQ(samples("m", "f"), "10:1 30:3");
  ASSERT_TRUE(store_->drop_series("db", {id_of("m")}));
  EXPECT_EQ(store_->series("db", "m").size(), 1U);
  ASSERT_TRUE(store_->drop_measurement("db", "m"));
  EXPECT_TRUE(store_->measurements("db").empty());
  reopen();
  EXPECT_TRUE(store_->measurements("db").empty());
  must_write("m f=\"now text\" 5\n");
  EXPECT_EQ(samples("m", "f"), "5:now text") << "nothing of the dropped one is left, not even its types";
}

TEST_P(SamplesTest, AreGoneFromTheDiskWithTheLastOfTheirSeries) {
  must_write("m,host=a f=1 10\nm,host=b f=4 20\nother f=1 10\n");
  settle();
  ASSERT_TRUE(store_->flush());
  const auto segments = store_->stats().segments;
  ASSERT_TRUE(store_->delete_range("db", {id_of("m")}, {}));
  EXPECT_EQ(store_->stats().segments, segments) << "of one series more";
  EXPECT_EQ(samples("m", "f"), "20:4");
  ASSERT_TRUE(store_->delete_range("db", {id_of("m")}, {}));
  EXPECT_EQ(store_->stats().segments, segments - 1);
  reopen();
  EXPECT_EQ(store_->stats().segments, segments - 1);
  EXPECT_TRUE(store_->series("db", "m").empty());
  EXPECT_EQ(samples("other", "f"), "10:1");
}

TEST_P(SamplesTest, OfEachPolicyAreKeptApart) {
  ASSERT_TRUE(store_->create_retention_policy("db", {.name = "other"}, false));
  must_write("m f=1 10\n");
  must_write("m f=2 10\n", "other");
  settle();
  EXPECT_EQ(samples("m", "f"), "10:1");
  EXPECT_EQ(samples("m", "f", {}, "other"), "10:2");
  ASSERT_TRUE(store_->drop_retention_policy("db", "other"));
  EXPECT_EQ(samples("m", "f", {}, "other"), "");
  reopen();
  EXPECT_EQ(samples("m", "f"), "10:1");
  EXPECT_EQ(samples("m", "f", {}, "other"), "");
}

TEST_P(SamplesTest, AreKnownToExist) {
  must_write("m f=1 10\nm f=2 30\n");
  settle();
  const SeriesId id = id_of("m");
  EXPECT_TRUE(store_->has_samples("db", "", id, {}));
  EXPECT_TRUE(store_->has_samples("db", "", id, {30, 40}));
  EXPECT_FALSE(store_->has_samples("db", "", id, {11, 29}));
  EXPECT_FALSE(store_->has_samples("db", "", id, {31, 40}));
  EXPECT_FALSE(store_->has_samples("db", "", id + 1, {}));
  EXPECT_FALSE(store_->has_samples("nosuch", "", id, {}));
}

TEST_P(SamplesTest, AgreeWithAMapWhateverIsWritten) {
  std::mt19937 random(11);
  std::map<std::int64_t, int> expected;
  for (int round = 0; round < 30; ++round) {
    std::string lines;
    for (std::size_t i = 1 + random() % 20; i > 0; --i) {
      const auto time = static_cast<std::int64_t>(random() % 200);
      const int value = static_cast<int>(random() % 1'000);
      lines += "m f=" + std::to_string(value) + " " + std::to_string(time) + "\n";
      expected[time] = value;
    }
    must_write(lines);
    if (random() % 4 == 0) settle();
  }
  std::string wanted;
  for (const auto& [time, value] : expected) {
    wanted += (wanted.empty() ? "" : " ") + std::to_string(time) + ":" + std::to_string(value);
  }
  EXPECT_EQ(samples("m", "f"), wanted);
}

TEST_P(SamplesTest, OfManySeriesAgreeWithMapsInOneScan) {
  constexpr std::size_t kSeries = 37;
  std::mt19937 random(12);
  std::map<std::string, std::map<std::int64_t, double>> expected;
  for (int round = 0; round < 12; ++round) {
    std::string lines;
    // Most series at the same times, as agents measure; some late, early or not at all.
    for (std::size_t s = 0; s < kSeries; ++s) {
      for (std::int64_t time = 20 * round; time < 20 * (round + 1); time += 5) {
        if (random() % 8 == 0) continue;
        const std::int64_t at = random() % 8 == 0 ? static_cast<std::int64_t>(random() % 240) : time;
        const double value = static_cast<double>(random() % 1'000) / 10;
        lines += "m,s=" + std::to_string(s) + " f=" + std::to_string(value) + " " + std::to_string(at) + "\n";
        expected[std::to_string(s)][at] = value;
      }
    }
    must_write(lines);
    if (round % 3 != 1) settle();
  }
  const auto compare = [&] {
    std::vector<SeriesInfo> series = store_->series("db", "m");
    for (int attempt = 0; attempt < 20; ++attempt) {
      std::shuffle(series.begin(), series.end(), random);
      const std::size_t asked = 1 + random() % kSeries;
      std::vector<SeriesId> ids;
      for (std::size_t i = 0; i < asked; ++i) ids.push_back(series[i].id);
      const std::int64_t begin = attempt == 0 ? 0 : static_cast<std::int64_t>(random() % 240);
      const TimeRange range{begin, begin + static_cast<std::int64_t>(random() % 240)};
      std::size_t next = 0;
      std::vector<std::map<std::int64_t, double>> seen(asked);
      const auto sink = [&](std::size_t index, const Column& column) -> Result<void> {
        EXPECT_GE(index, next) << "in their order";
        next = index + 1;
        EXPECT_EQ(column.times.size(), column.floats.size());
        EXPECT_TRUE(std::is_sorted(column.times.begin(), column.times.end()));
        for (std::size_t i = 0; i < column.times.size(); ++i) seen[index][column.times[i]] = column.floats[i];
        return {};
      };
      ASSERT_TRUE(store_->scan("db", "", ids, "f", range, sink));
      for (std::size_t i = 0; i < asked; ++i) {
        const auto& whole = expected[series[i].tags->front().value];
        const std::map<std::int64_t, double> wanted(whole.lower_bound(range.min_ns),
                                                    whole.upper_bound(range.max_ns));
        EXPECT_EQ(seen[i], wanted) << attempt << ", series " << i;
      }
    }
  };
  compare();
  reopen({.chunks_for_helpers = 1});
  compare();
}

TEST_F(StoreTest, AScanEndsWithTheErrorOfWhoTakesIt) {
  for (int s = 0; s < 20; ++s) must_write("m,s=" + std::to_string(s) + " f=1 1\n");
  for (const std::size_t chunks : {std::size_t{1'000'000}, std::size_t{1}}) {
    reopen({.chunks_for_helpers = chunks});
    std::vector<SeriesId> ids;
    for (const SeriesInfo& info : store_->series("db", "m")) ids.push_back(info.id);
    std::size_t taken = 0;
    const auto done =
        store_->scan("db", "", ids, "f", {}, [&](std::size_t index, const Column&) -> Result<void> {
          ++taken;
          if (index == 10) return fail(Errc::kExhausted, "enough");
          return {};
        });
    EXPECT_EQ(done.error().message(), "enough");
    EXPECT_EQ(taken, 11U);
  }
}

TEST(ScanHelpers, LendNoMoreThanThereAre) {
  ScanHelpers helpers(4);
  const auto first = helpers.lend(2);
  EXPECT_EQ(first.count(), 2U);
  {
    const auto second = helpers.lend(2);
    EXPECT_EQ(second.count(), 1U) << "the caller has the fourth processor";
    EXPECT_EQ(helpers.lend(1).count(), 0U);
  }
  EXPECT_EQ(helpers.lend(9).count(), 1U);
  EXPECT_EQ(ScanHelpers(1).lend(3).count(), 0U);
  EXPECT_EQ(ScanHelpers(0).lend(3).count(), 0U);
}

std::string name_of(const ::testing::TestParamInfo<Where>& tested) {
  switch (tested.param) {
    case Where::kHead:
      return "Head";
    case Where::kReplayed:
      return "Replayed";
    case Where::kBlocks:
      return "Blocks";
    case Where::kBlocksReopened:
      return "BlocksReopened";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Everywhere, SamplesTest,
                         ::testing::Values(Where::kHead, Where::kReplayed, Where::kBlocks,
                                           Where::kBlocksReopened),
                         name_of);

TEST_F(StoreTest, AConflictOfTypesDropsThatPointAlone) {
  must_write("w v=1 1\n");
  const auto outcome = write("w v=\"text\" 2\nw v=2 3\nw v=4i 4\n");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->written, 1U);
  EXPECT_EQ(outcome->dropped, 2U);
  EXPECT_EQ(outcome->first_reason,
            "field type conflict: input field \"v\" on measurement \"w\" is type string, already exists as "
            "type float");
  EXPECT_EQ(samples("w", "v"), "1:1 3:2");
}

TEST_F(StoreTest, UnknownDatabasesAndPoliciesAreErrors) {
  const auto parsed = metrics::parse_lines("m f=1 1", metrics::Precision::kNanos, 0);
  EXPECT_EQ(store_->write("nosuch", "", parsed.points).error().message(), "database not found: \"nosuch\"");
  EXPECT_EQ(write("m f=1 1", "norp").error().message(), "retention policy not found: norp");
  ASSERT_TRUE(store_->drop_retention_policy("db", "autogen"));
  EXPECT_EQ(write("m f=1 1").error().message(), "retention policy not found: autogen");
}

TEST_F(StoreTest, ALargeHeadIsSealedByItself) {
  StoreLimits limits;
  limits.max_unflushed_bytes = 1'000;
  reopen(limits);
  for (int i = 0; i < 200; ++i) must_write("m f=" + std::to_string(i) + " " + std::to_string(i) + "\n");
  const auto stats = store_->stats();
  EXPECT_LT(stats.memory_bytes, 60'000U);
  EXPECT_EQ(stats.points_written, 200U);
  EXPECT_EQ(stats.series, 1U);
  EXPECT_GT(stats.disk_bytes, 0U);
  const auto column = store_->read("db", "", id_of("m"), "f", {});
  ASSERT_TRUE(column);
  EXPECT_EQ(column->times.size(), 200U);
}

TEST_F(StoreTest, ManySegmentsBecomeFewAndReadTheSame) {
  std::string wanted;
  for (int i = 0; i < 100; ++i) {
    must_write("m f=" + std::to_string(i) + " " + std::to_string(i) + "\nm,gone=1 f=1 " + std::to_string(i) +
               "\n");
    if (i == 50) must_write("m f=7 5\nm late=1i 6\n");
    ASSERT_TRUE(store_->flush());
    wanted += (i == 0 ? "" : " ") + std::to_string(i) + ":" + std::to_string(i == 5 ? 7 : i);
    if (i == 70) {
      ASSERT_TRUE(store_->drop_series("db", {id_of("m", 1)}));
    }
  }
  EXPECT_LT(store_->stats().segments, 25U);
  EXPECT_EQ(samples("m", "f"), wanted);
  EXPECT_EQ(samples("m", "late"), "6:1");
  reopen();
  EXPECT_EQ(samples("m", "late"), "6:1");
  EXPECT_EQ(samples("m", "f"), wanted);
}

TEST_F(StoreTest, SegmentsOfLongTextsStayWhatTheyAre) {
  StoreLimits limits;
  limits.max_joined_bytes = 4'000;
  reopen(limits);
  const auto flush_one = [&](int at, std::size_t length) {
    must_write("m f=\"" + std::string(length, 'x') + "\" " + std::to_string(at) + "\n");
    ASSERT_TRUE(store_->flush());
  };
  for (int i = 0; i < 10; ++i) flush_one(i, 1'000);
  EXPECT_EQ(store_->stats().segments, 10U);
  reopen(limits);
  flush_one(10, 1'000);
  EXPECT_EQ(store_->stats().segments, 11U) << "known after a start too";
  flush_one(11, 5'000);
  for (int i = 12; i < 19; ++i) flush_one(i, 10);
  EXPECT_EQ(store_->stats().segments, 19U);
  flush_one(19, 10);
  EXPECT_EQ(store_->stats().segments, 13U) << "the eight short ones became one";
  reopen();
  flush_one(20, 10);
  EXPECT_LT(store_->stats().segments, 13U) << "with a higher limit those that were too large are joined";
  const auto column = store_->read("db", "", id_of("m"), "f", {});
  ASSERT_TRUE(column);
  EXPECT_EQ(column->times.size(), 21U);
}

TEST_F(StoreTest, AScanGivesManySeriesAndTheirLastSamples) {
  std::vector<SeriesId> ids;
  for (int round = 0; round < 3; ++round) {
    for (int s = 0; s < 20; ++s) {
      must_write("m,s=" + std::to_string(s) + " f=" + std::to_string(round * 100 + s) + " " +
                 std::to_string(round + 1) + "\n");
    }
    if (round < 2) {
      ASSERT_TRUE(store_->flush());
    }
  }
  must_write("m,s=3 f=5 2\n");  // late: not the last one
  for (const SeriesInfo& info : store_->series("db", "m")) ids.push_back(info.id);
  std::size_t samples_seen = 0;
  ASSERT_TRUE(
      store_->scan("db", "", ids, "f", {2, 3}, [&](std::size_t, const Column& column) -> Result<void> {
        samples_seen += column.times.size();
        return {};
      }));
  EXPECT_EQ(samples_seen, 40U);
  std::size_t lasts = 0;
  ASSERT_TRUE(
      store_->scan_last("db", "", ids, "f", {}, [&](std::size_t, const Column& column) -> Result<void> {
        EXPECT_EQ(column.times, std::vector<std::int64_t>{3});
        EXPECT_GE(column.floats.at(0), 200.0);
        ++lasts;
        return {};
      }));
  EXPECT_EQ(lasts, 20U);
}

TEST_F(StoreTest, ChangesAreKnownByTheirTime) {
  constexpr std::int64_t kMinute = 60'000'000'000;
  must_write("m f=1 0\n");
  const TimeRange all{0, 3 * kMinute};
  const TimeRange first{7, kMinute - 1};
  const TimeRange second{kMinute, 2 * kMinute};
  const auto before = store_->version_of("db", "", "m", all);
  EXPECT_GT(before, 0U);
  EXPECT_EQ(store_->changed_since("db", "", "m", all, before), std::nullopt);
  must_write("m f=1 " + std::to_string(kMinute) + "\nother f=1 0\n");
  EXPECT_EQ(store_->changed_since("db", "", "m", first, before), std::nullopt);
  EXPECT_EQ(store_->changed_since("db", "", "m", all, before), kMinute);
  const auto later = store_->version_of("db", "", "m", all);
  must_write("m f=2 5\n");
  EXPECT_EQ(store_->changed_since("db", "", "m", first, later), 7) << "inside of what was asked";
  EXPECT_EQ(store_->changed_since("db", "", "m", second, later), std::nullopt);
  EXPECT_EQ(store_->changed_since("db", "", "m", all, before), 0) << "the earliest of several";
  ASSERT_TRUE(store_->delete_range("db", {id_of("m")}, {5, 6}));
  EXPECT_EQ(store_->changed_since("db", "", "m", second, later), kMinute) << "anything may be gone";
  EXPECT_EQ(store_->version_of("db", "", "none", all), 0U);
  EXPECT_EQ(store_->changed_since("db", "", "none", all, later), 0);
}

TEST_F(StoreTest, ACopyOfAStoreInUseHoldsAllThatWasAcknowledgedBeforeAndNoGap) {
  StoreLimits limits;
  limits.max_unflushed_bytes =
      20'000;  // so that heads are sealed and files of the log written over meanwhile
  reopen(limits);
  std::atomic<std::int64_t> acknowledged{0};
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (std::int64_t i = 1; !done; ++i) {
      if (write("m f=" + std::to_string(i) + " " + std::to_string(i) + "\n")) acknowledged = i;
    }
  });
  for (int round = 0; round < 10; ++round) {
    const std::int64_t target = acknowledged + 150;
    while (acknowledged < target) std::this_thread::yield();
    const std::string copy = folder_ + "/copy" + std::to_string(round) + ".db";
    const std::int64_t before = acknowledged;
    ASSERT_TRUE(copy_store(path_, copy));
    auto store = Store::open({copy, {}}, clock_, log::Log::silent());
    ASSERT_TRUE(store) << store.error().message();
    const auto column = (*store)->read("db", "", (*store)->series("db", "m").at(0).id, "f", {});
    ASSERT_TRUE(column);
    EXPECT_GE(column->times.size(), static_cast<std::size_t>(before));
    for (std::size_t i = 0; i < column->times.size(); ++i)
      ASSERT_EQ(column->times[i], static_cast<std::int64_t>(i) + 1) << "round " << round;
  }
  done = true;
  writer.join();
}

TEST_F(StoreTest, WritersAndReadersAndFlushesMayRunAtOnce) {
  constexpr int kWriters = 4;
  constexpr int kBatches = 50;
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      for (int i = 0; i < kBatches; ++i) {
        const auto outcome = write("m,w=" + std::to_string(w) + " f=" + std::to_string(i) + ",g" +
                                   std::to_string(i % 7) + "=1 " + std::to_string(i + 1) + "\n");
        ASSERT_TRUE(outcome && outcome->dropped == 0);
      }
    });
  }
  std::thread reader([&] {
    while (!done) {
      for (const auto& series : store_->series("db", "m")) {
        const auto column = store_->read("db", "", series.id, "f", {});
        ASSERT_TRUE(column);
        // A series grows in order: what is seen is always a beginning of it without a gap.
        for (std::size_t i = 0; i < column->times.size(); ++i) {
          ASSERT_EQ(column->times[i], static_cast<std::int64_t>(i) + 1);
        }
      }
    }
  });
  std::thread flusher([&] {
    while (!done) ASSERT_TRUE(store_->flush());
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  reader.join();
  flusher.join();
  for (std::size_t w = 0; w < kWriters; ++w) {
    EXPECT_EQ(store_->read("db", "", id_of("m", w), "f", {})->times.size(),
              static_cast<std::size_t>(kBatches));
  }
}

TEST_F(StoreTest, ReadersThatNeverPauseDoNotKeepWritersOut) {
  must_write("m f=1 1\n");
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int r = 0; r < 4; ++r) {
    readers.emplace_back([&] {
      while (!done) store_->series("db", "m");
    });
  }
  // Were readers preferred, this would go on until the test's time is over.
  for (int i = 0; i < 100; ++i)
    must_write("m f=1 " + std::to_string(i) + "\nm,new=" + std::to_string(i) + " f=1 1\n");
  EXPECT_TRUE(store_->flush());
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(store_->series("db", "m").size(), 101U);
}

TEST_F(StoreTest, AStoreInMemoryWorksToo) {
  auto store = Store::open({":memory:", {.max_joining_bytes = 1}}, clock_, log::Log::silent());
  ASSERT_TRUE(store);
  store_ = *std::move(store);
  ASSERT_TRUE(store_->create_database("db", std::nullopt));
  must_write("m f=1 1\n");
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(samples("m", "f"), "1:1");
  for (int i = 2; i <= 8; ++i) {
    must_write("m f=" + std::to_string(i) + " " + std::to_string(i) + "\n");
    ASSERT_TRUE(store_->flush());
  }
  EXPECT_EQ(store_->stats().segments, 1U);
  ASSERT_TRUE(store_->delete_range("db", {id_of("m")}, {3, 6}));
  EXPECT_EQ(samples("m", "f"), "1:1 2:2 7:7 8:8");
}

}  // namespace
}  // namespace gpuscale::tsdb
