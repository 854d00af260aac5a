// SPDX-License-Identifier: Apache-2.0
/// Segments that are made piece by piece: whole or not there, whenever that ends.
#include "tsdb/staged_segment.h"

#include "tests/store_fixture.h"
#include "tsdb/rebuild.h"

namespace gpuscale::tsdb {
namespace {

class StagedSegmentTest : public StoreTest {
 protected:
  std::int64_t orphans() {
    return count_rows("tsdb_strips WHERE segment NOT IN (SELECT id FROM tsdb_segments)") +
           count_rows("tsdb_totals WHERE segment NOT IN (SELECT id FROM tsdb_segments)");
  }
  /// Segments of two fields each; the eighth makes them one.
  void write_segments(int from, int to) {
    for (int i = from; i <= to; ++i) {
      must_write("m f=" + std::to_string(i) + ",g=" + std::to_string(i) + "i " + std::to_string(i) + "\n");
      joined_ = store_->flush();
    }
  }

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
  reopen();
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
  const std::string unfinished = "(SELECT segment FROM tsdb_unfinished)";
  change_file(path_,
              "CREATE TRIGGER second BEFORE INSERT ON tsdb_strips WHEN NEW.field = 2 AND NEW.segment IN " +
                  unfinished + " BEGIN SELECT RAISE(ABORT, 'made to fail'); END");
  write_segments(8, 8);
  ASSERT_FALSE(joined_);
  EXPECT_THAT(joined_.error().message(), ::testing::HasSubstr("made to fail"));
  EXPECT_EQ(orphans(), 0);
  EXPECT_EQ(count_rows("tsdb_unfinished"), 0);
  EXPECT_EQ(samples("m", "f"), kSamples);

  // As on a disk that is full: nor can it be taken away.
  change_file(path_, "CREATE TRIGGER kept BEFORE DELETE ON tsdb_strips WHEN OLD.segment IN " + unfinished +
                         " BEGIN SELECT RAISE(ABORT, 'made to fail'); END");
  ASSERT_FALSE(store_->flush());
  EXPECT_EQ(orphans(), 1);
  ASSERT_FALSE(store_->flush());
  EXPECT_EQ(orphans(), 1) << "not one more each time";
  EXPECT_EQ(samples("m", "g"), kSamples);
  reopen();
  EXPECT_EQ(samples("m", "f"), kSamples) << "that it cannot be taken away stops no start";

  change_file(path_, "DROP TRIGGER second; DROP TRIGGER kept");
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(orphans(), 0);
  EXPECT_EQ(count_rows("tsdb_unfinished"), 0);
  EXPECT_EQ(store_->stats().segments, 1U);
  EXPECT_EQ(samples("m", "f"), kSamples);
  reopen();
  EXPECT_EQ(samples("m", "f"), kSamples);
  EXPECT_EQ(samples("m", "g"), kSamples);
}

TEST_F(StagedSegmentTest, ACopyTakenMeanwhileIsWhole) {
  write_segments(1, 7);
  change_file(
      path_,
      "CREATE TRIGGER no_delete BEFORE DELETE ON tsdb_strips BEGIN SELECT RAISE(ABORT, 'not yet'); END");
  write_segments(8, 8);
  ASSERT_FALSE(joined_);
  EXPECT_EQ(orphans(), 2) << "both pieces are there, and the segment is not";
  crash();
  change_file(path_, "DROP TRIGGER no_delete");
  reopen();
  EXPECT_EQ(orphans(), 0);
  EXPECT_EQ(samples("m", "f"), kSamples);
  EXPECT_EQ(samples("m", "g"), kSamples);
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
  source.note_strip(5, 1);
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
  request.put = [&](FieldId field, const std::string&, const std::string&) -> Result<void> {
    EXPECT_EQ(field, 5U);
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

  request.put = [](FieldId, const std::string&, const std::string&) {
    return fail(Errc::kExhausted, "full");
  };
  const auto failed = rebuild(request);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Errc::kExhausted);
}

}  // namespace
}  // namespace gpuscale::tsdb
