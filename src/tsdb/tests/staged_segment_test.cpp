// SPDX-License-Identifier: Apache-2.0
/// Segments that are made piece by piece: whole or not there, whenever that ends.
#include "tsdb/staged_segment.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/store_fixture.h"
#include "tsdb/rebuild.h"

namespace gpuscale::tsdb {
namespace {

using ::testing::HasSubstr;

class StagedSegmentTest : public StoreTest {
 protected:
  void SetUp() override { reopen(kEachAlone); }

  /// Segments of two fields each; the eighth makes them one.
  void write_segments(int from, int to) {
    for (int i = from; i <= to; ++i) {
      must_write("m f=" + std::to_string(i) + ",g=" + std::to_string(i) + "i " + std::to_string(i) + "\n");
      joined_ = store_->flush();
    }
  }
  /// @param what an event of SQL that fails from now on
  void refuse(const std::string& what) {
    change_file(path_,
                "CREATE TRIGGER refused BEFORE " + what + " BEGIN SELECT RAISE(ABORT, 'made to fail'); END");
  }

  /// Pieces do not wait for others, and each has totals.
  static constexpr StoreLimits kEachAlone{.samples_of_a_slot = 1, .max_joining_bytes = 1};
  static constexpr const char* kSecond =
      "INSERT ON tsdb_strips WHEN NEW.field = 2 AND NEW.segment IN (SELECT segment FROM tsdb_unfinished)";
  static constexpr const char* kSamples = "1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8";
  Result<void> joined_;
};

TEST_F(StagedSegmentTest, WhatACrashLeftOfOneGoesAtTheNextStartAndNothingElse) {
  write_segments(1, 2);
  store_.reset();
  change_file(path_, R"sql(
INSERT INTO tsdb_unfinished VALUES (1), (77);
INSERT INTO tsdb_strips (segment, field, bytes) VALUES (77, 1, x'00'), (77, 2, x'00'), (78, 1, x'00');
INSERT INTO tsdb_totals (segment, field, bytes) VALUES (77, 1, x'00');
)sql");
  reopen(kEachAlone);
  EXPECT_EQ(count_rows("tsdb_unfinished"), 0);
  EXPECT_EQ(count_rows("tsdb_strips WHERE segment = 77"), 0);
  EXPECT_EQ(count_rows("tsdb_totals WHERE segment = 77"), 0);
  EXPECT_EQ(count_rows("tsdb_strips WHERE segment = 78"), 1)
      << "nobody said that it was begun: a row may be damaged";
  EXPECT_EQ(samples("m", "f"), "1:1 2:2") << "segment 1 has its row";
  EXPECT_EQ(samples("m", "g"), "1:1 2:2");
}

TEST_F(StagedSegmentTest, OneThatFailsOnItsWayLeavesNothingAndIsTriedAgain) {
  write_segments(1, 7);
  ASSERT_TRUE(joined_);
  refuse(kSecond);
  write_segments(8, 8);
  ASSERT_FALSE(joined_);
  EXPECT_THAT(joined_.error().message(), HasSubstr("made to fail"));
  EXPECT_EQ(pieces_of_no_segment(), 0);
  EXPECT_EQ(count_rows("tsdb_unfinished"), 0);
  EXPECT_EQ(samples("m", "f"), kSamples);
  change_file(path_, "DROP TRIGGER refused");
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(store_->stats().segments, 1U);
  EXPECT_EQ(count_rows("tsdb_totals"), 2);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(samples("m", "f"), kSamples);
    EXPECT_EQ(samples("m", "g"), kSamples);
    reopen(kEachAlone);
  }
}

TEST_F(StagedSegmentTest, WhatCannotBeTakenAwayIsLater) {
  write_segments(1, 7);
  // Neither can the sources be removed, once all pieces are there.
  refuse("DELETE ON tsdb_strips");
  write_segments(8, 8);
  ASSERT_FALSE(joined_);
  EXPECT_EQ(pieces_of_no_segment(), 4) << "strips and totals of two fields";
  ASSERT_FALSE(store_->flush());
  EXPECT_EQ(pieces_of_no_segment(), 4) << "not more of them each time";
  EXPECT_EQ(samples("m", "g"), kSamples);
  reopen(kEachAlone);
  EXPECT_EQ(samples("m", "f"), kSamples) << "it stops no start";
  const std::string copy = folder_ + "/copy.db";
  ASSERT_TRUE(copy_store(path_, copy));

  change_file(path_, "DROP TRIGGER refused");
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  EXPECT_EQ(pieces_of_no_segment(), 0)
      << "by the upkeep of each minute, where nothing is written and so nothing joined";
  EXPECT_EQ(count_rows("tsdb_unfinished"), 0);
  EXPECT_EQ(store_->stats().segments, 8U);

  store_.reset();
  path_ = copy;
  change_file(path_, "DROP TRIGGER refused");
  reopen(kEachAlone);
  EXPECT_EQ(pieces_of_no_segment(), 0) << "by a start";
  EXPECT_EQ(samples("m", "f"), kSamples);
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(store_->stats().segments, 1U);
  EXPECT_EQ(samples("m", "g"), kSamples);
}

TEST_F(StagedSegmentTest, OneWhosePiecesWereTakenAwayDoesNotReplaceItsSources) {
  write_segments(1, 7);
  // As a second program on the file would.
  change_file(path_,
              "CREATE TRIGGER meddling AFTER INSERT ON tsdb_strips WHEN NEW.field = 2 "
              "BEGIN DELETE FROM tsdb_unfinished; END");
  write_segments(8, 8);
  ASSERT_FALSE(joined_);
  EXPECT_THAT(joined_.error().message(), HasSubstr("taken away"));
  EXPECT_EQ(store_->stats().segments, 8U);
  reopen(kEachAlone);
  EXPECT_EQ(samples("m", "f"), kSamples);
}

TEST_F(StagedSegmentTest, SmallOnesAreWrittenWithTheirRow) {
  reopen({.samples_of_a_slot = 1});
  write_segments(1, 7);
  refuse("INSERT ON tsdb_unfinished");
  write_segments(8, 8);
  ASSERT_TRUE(joined_) << joined_.error().message();
  EXPECT_EQ(store_->stats().segments, 1U);
  EXPECT_EQ(count_rows("tsdb_totals"), 2);
  reopen();
  EXPECT_EQ(samples("m", "f"), kSamples);
}

TEST_F(StagedSegmentTest, OfADamagedOneItsNeighboursAreLeftAloneAndOthersJoined) {
  write_segments(1, 7);
  store_.reset();
  change_file(path_, "UPDATE tsdb_strips SET bytes = substr(bytes, 2) WHERE segment = 3 AND field = 2");
  reopen(kEachAlone);
  write_segments(8, 8);
  ASSERT_FALSE(joined_);
  EXPECT_EQ(joined_.error().code(), Errc::kCorrupt);
  EXPECT_EQ(pieces_of_no_segment(), 0);
  ASSERT_TRUE(store_->flush()) << "it would fail each time";
  write_segments(9, 16);
  ASSERT_TRUE(joined_);
  EXPECT_EQ(store_->stats().segments, 9U);
  EXPECT_EQ(samples("m", "f", {9, 16}), "9:9 10:10 11:11 12:12 13:13 14:14 15:15 16:16");
  EXPECT_EQ(samples("m", "f", {1, 8}), kSamples) << "of its other field, too";
}

TEST_F(StagedSegmentTest, SamplesMayComeWhileASegmentIsWrittenAnew) {
  // One segment of 300,000 rows, out of which one is deleted.
  constexpr int kSeries = 30;
  constexpr int kRows = 10'000;
  store_.reset();
  begin_anew();
  for (int s = 0; s < kSeries; ++s) {
    std::string lines;
    for (int t = 0; t < kRows; ++t)
      lines +=
          "m,s=" + std::to_string(10 + s) + " f=" + std::to_string(t % 7) + "i " + std::to_string(t) + "\n";
    must_write(lines);
  }
  ASSERT_TRUE(store_->flush());
  ASSERT_EQ(store_->stats().segments, 1U);
  StoreLimits small = kEachAlone;
  small.max_unflushed_bytes = 2'000;
  reopen(small);
  std::atomic<bool> done{false};
  std::atomic<std::int64_t> written{0};
  std::thread writer([&] {
    while (!done) {
      must_write("m,s=10 f=1i " + std::to_string(kRows + written) + "\nlive f=1i " + std::to_string(written) +
                 "\n");
      ++written;
    }
  });
  while (written < 100) std::this_thread::yield();
  const auto deleted = store_->delete_range("db", {id_of("m", 3)}, {17, 17});
  done = true;
  writer.join();
  ASSERT_TRUE(deleted) << deleted.error().message();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t s = 0; s < kSeries; ++s) {
      const auto column = store_->read("db", "", id_of("m", s), "f", {});
      ASSERT_TRUE(column);
      const std::size_t more = s == 0 ? static_cast<std::size_t>(written) : 0;
      EXPECT_EQ(column->times.size(), kRows + more - (s == 3 ? 1 : 0)) << s;
      EXPECT_TRUE(std::ranges::is_sorted(column->times));
    }
    EXPECT_EQ(store_->read("db", "", id_of("live"), "f", {})->times.size(),
              static_cast<std::size_t>(written));
    reopen(small);
  }
}

TEST_F(StagedSegmentTest, OfADamagedOneThatIsGoneTheNeighboursAreJoined) {
  clock_.advance(std::chrono::hours(48));
  const std::int64_t now = base::to_unix_nanos(clock_.wall());
  const auto write_at = [&](std::int64_t time) {
    must_write("m f=1,g=1i " + std::to_string(time) + "\n");
    joined_ = store_->flush();
  };
  write_at(now - std::chrono::nanoseconds(std::chrono::hours(24)).count());
  for (int i = 1; i <= 6; ++i) write_at(now + i);
  store_.reset();
  change_file(path_, "UPDATE tsdb_strips SET bytes = substr(bytes, 2) WHERE segment = 1 AND field = 1");
  reopen(kEachAlone);
  write_at(now + 7);
  ASSERT_FALSE(joined_);
  ASSERT_TRUE(
      store_->alter_retention_policy("db", {.name = "autogen", .duration = std::chrono::hours(2)}, true));
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  ASSERT_EQ(store_->stats().segments, 7U);
  write_at(now + 8);
  ASSERT_TRUE(joined_);
  EXPECT_EQ(store_->stats().segments, 1U);
}

TEST_F(StagedSegmentTest, WhatHasNoSeriesLeftIsNotDamagedAndGoes) {
  write_segments(1, 7);
  must_write("m f=8 8\n");
  store_.reset();
  // As a crash between the two halves of DROP SERIES leaves it.
  change_file(path_, "DELETE FROM tsdb_series WHERE id = 1");
  reopen(kEachAlone);
  must_write("m,other=1 f=2 8\n");
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(store_->stats().segments, 1U);
  EXPECT_EQ(samples("m", "f"), "8:2");
}

TEST_F(StagedSegmentTest, WhatWasDeletedBeforeOneThatFailedIsNotShownAgain) {
  for (int i = 1; i <= 3; ++i) {
    const std::string at = std::to_string(i);
    must_write("m f=" + at + " " + at + "\nm f=0 1" + at + "\n");
    ASSERT_TRUE(store_->flush());
  }
  store_.reset();
  change_file(path_, "UPDATE tsdb_strips SET bytes = substr(bytes, 2) WHERE segment = 3 AND field = 1");
  reopen(kEachAlone);
  constexpr TimeRange kSeen{1, 2};
  const auto version = store_->version_of("db", "", "m", kSeen);
  ASSERT_FALSE(store_->delete_range("db", {id_of("m")}, {2, 3}));
  EXPECT_EQ(samples("m", "f", kSeen), "1:1");
  EXPECT_EQ(store_->changed_since("db", "", "m", kSeen, version), kSeen.min_ns)
      << "no kept answer is trusted";
}

TEST(Rebuild, LetsOthersHaveTheirTurnWithinAField) {
  constexpr std::size_t kSeries = 40;
  constexpr std::int64_t kRows = 10'000;
  DirectoryWriter directory;
  StripWriter strip(FieldType::kInteger);
  Column column;
  for (std::int64_t t = 0; t < kRows; ++t) {
    column.times.push_back(t);
    column.integers.push_back(t / 100);
  }
  column.type = FieldType::kInteger;
  for (std::size_t s = 1; s <= kSeries; ++s) {
    directory.add(static_cast<SeriesId>(s), column.times);
    strip.add(column.times, column);
  }
  NewSegment source({1, 1}, 0, 1);
  source.note({5, "", ""});
  const auto segment = Segment::decode(source.label, std::move(directory).take());
  const auto opened = Strip::open(std::move(strip).take(), kSeries);
  ASSERT_TRUE(segment && opened);

  RebuildRequest request;
  request.sources = {*segment};
  request.fields = {{5, FieldType::kInteger}};
  request.alive = [](SeriesId) { return true; };
  request.strip = [&](const Segment&, FieldId, FieldType) -> Result<std::shared_ptr<const Strip>> {
    return *opened;
  };
  int turns_before_put = 0;
  int turns = 0;
  request.meanwhile = [&turns] { ++turns; };
  request.put = [&](const SegmentPiece& piece) -> Result<void> {
    EXPECT_EQ(piece.field, 5U);
    turns_before_put = turns;
    return {};
  };
  request.level = 2;
  request.generation = 9;
  const auto made = rebuild(request);
  ASSERT_TRUE(made && *made);
  EXPECT_EQ((*made)->label.level, 2);
  EXPECT_EQ((*made)->label.generation, 9);
  EXPECT_GE(turns_before_put, 3) << "of 400,000 rows";
  EXPECT_GT(turns, turns_before_put) << "and behind each field";

  request.put = [](const SegmentPiece&) -> Result<void> { return fail(Errc::kExhausted, "full"); };
  const auto failed = rebuild(request);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Errc::kExhausted);
}

}  // namespace
}  // namespace gpuscale::tsdb
