// SPDX-License-Identifier: Apache-2.0
/// What the store makes of files that are damaged, full, or of an earlier version.
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "db/database.h"
#include "tests/store_fixture.h"
#include "tsdb/log_file.h"

namespace gpuscale::tsdb {
namespace {

using ::testing::HasSubstr;

TEST_F(StoreTest, ADamagedSegmentIsAnErrorNeverAGapAndHurtsNoOther) {
  for (const char* damage : {"UPDATE tsdb_strips SET bytes = substr(bytes, 2) WHERE segment = 1",
                             "UPDATE tsdb_segments SET directory = x'0102' WHERE id = 1",
                             "UPDATE tsdb_segments SET label = substr(label, 2) WHERE id = 1",
                             "DELETE FROM tsdb_strips WHERE segment = 1",
                             "UPDATE tsdb_strips SET field = field + 64 WHERE segment = 1"}) {
    begin_anew();
    must_write("m f=1 10\n");
    ASSERT_TRUE(store_->flush());
    must_write("m f=2 20\nother f=3 10\n");
    ASSERT_TRUE(store_->flush());
    store_.reset();
    change_file(path_, damage);
    reopen();
    const auto column = store_->read("db", "", id_of("m"), "f", {});
    ASSERT_FALSE(column) << damage;
    EXPECT_EQ(column.error().code(), Errc::kCorrupt);
    EXPECT_THAT(column.error().message(), HasSubstr("segment 1"));
    EXPECT_EQ(samples("m", "f", {15, 30}), "20:2");
    EXPECT_EQ(samples("other", "f"), "10:3");
    must_write("m f=4 40\n");
    EXPECT_EQ(samples("m", "f", {15, 50}), "20:2 40:4");
  }
}

TEST_F(StoreTest, ASegmentIsWhatItsLabelSaysAndOneWithoutIsReadLikeBefore) {
  for (const char* change :
       {"UPDATE tsdb_segments SET policy = policy + 8, measurement = measurement + 64, generation = 9 "
        "WHERE id = 1",
        "UPDATE tsdb_segments SET label = NULL"}) {
    begin_anew();
    must_write("m f=1 10\nm g=1i 11\n");
    ASSERT_TRUE(store_->flush());
    must_write("m f=2 10\n");
    ASSERT_TRUE(store_->flush());
    store_.reset();
    change_file(path_, change);
    for (int round = 0; round < 2; ++round) {
      reopen();
      EXPECT_EQ(samples("m", "f"), "10:2") << change;
      EXPECT_EQ(samples("m", "g"), "11:1") << change;
    }
  }
}

TEST_F(StoreTest, SamplesOfAnUnreleasedFormAreRefusedByName) {
  const std::string old = folder_ + "/old.db";
  change_file(old,
              "CREATE TABLE tsdb_blocks (id); CREATE TABLE tsdb_log (id); INSERT INTO tsdb_log VALUES (1)");
  const auto store = Store::open({old, {}}, clock_, log::Log::silent());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Errc::kConflict);
  EXPECT_THAT(store.error().message(), HasSubstr("move metrics.db away"));
}

TEST_F(StoreTest, ADamagedLogIsSaidAtTheStart) {
  must_write("m f=1 10\n");
  must_write("m f=2 20\n");
  const std::string copy = folder_ + "/copy.db";
  ASSERT_TRUE(copy_store(path_, copy));
  {
    std::fstream file(log_file_path(copy, 1), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(FileHead::kBytes + FrameHead::kBytes);
    file.put('?');
  }
  const auto store = Store::open({copy, {}}, clock_, log::Log::silent());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Errc::kCorrupt);
  EXPECT_THAT(store.error().message(), HasSubstr("log entry 1"));
}

TEST_F(StoreTest, TheLogOfEarlierVersionsIsRead) {
  must_write("m f=1 10\n");
  must_write("m f=2 20\n");
  const std::string copy = folder_ + "/copy.db";
  ASSERT_TRUE(copy_store(path_, copy));
  // As they held it: each entry a zstd frame in a row of a table, and no files.
  {
    const auto file = *db::Database::open(copy);
    auto reader = *LogFileReader::open(log_files(copy)->at(0));
    while (const auto frame = *reader.next()) {
      std::string packed(ZSTD_compressBound(frame->batches.size()), '\0');
      packed.resize(
          ZSTD_compress(packed.data(), packed.size(), frame->batches.data(), frame->batches.size(), 1));
      ASSERT_TRUE(file->transact(
          std::function<Result<void>(db::Transaction&)>([&](db::Transaction& transaction) -> Result<void> {
            GS_TRY(auto insert, transaction.prepare("INSERT INTO tsdb_log VALUES (?, ?)"));
            return insert.bind(1, frame->sequence).bind_blob(2, packed).run();
          })));
    }
    std::filesystem::remove(log_file_path(copy, 1));
  }
  path_ = copy;
  reopen_after_crash();
  EXPECT_EQ(samples("m", "f"), "10:1 20:2");
  must_write("m f=3 30\n");
  reopen_after_crash();
  EXPECT_EQ(samples("m", "f"), "10:1 20:2 30:3") << "from the table and a file";
  ASSERT_TRUE(store_->flush());
  must_write("m f=4 40\n");
  reopen_after_crash();
  EXPECT_EQ(samples("m", "f"), "10:1 20:2 30:3 40:4") << "sealed, the table is empty";
}

TEST_F(StoreTest, AFullDiskRefusesWritesAnswersReadsAndHealsByItself) {
  StoreLimits limits;
  limits.max_file_bytes = 600'000;
  limits.max_unflushed_bytes = 100'000;
  reopen(limits);
  must_write("kept f=1 1\n");
  std::mt19937 random(3);
  Result<WriteOutcome> outcome = WriteOutcome{};
  int written = 0;
  for (int batch = 0; batch < 500 && outcome; ++batch) {
    std::string lines;
    for (int i = 0; i < 50; ++i) {
      std::string noise;
      for (int c = 0; c < 60; ++c) noise += static_cast<char>('a' + random() % 26);
      lines += "filling s=\"" + noise + "\" " + std::to_string(++written) + "\n";
    }
    outcome = write(lines);
    if (!outcome) written -= 50;
  }
  ASSERT_FALSE(outcome) << "600 kB hold more than expected";
  EXPECT_EQ(outcome.error().code(), Errc::kExhausted);
  EXPECT_EQ(samples("kept", "f"), "1:1");
  const auto column = store_->read("db", "", id_of("filling"), "s", {});
  ASSERT_TRUE(column);
  EXPECT_EQ(column->times.size(), static_cast<std::size_t>(written)) << "exactly what was acknowledged";
  limits.max_file_bytes = 0;
  reopen(limits);
  EXPECT_EQ(store_->read("db", "", id_of("filling"), "s", {})->times.size(),
            static_cast<std::size_t>(written));
  must_write("kept f=2 2\n");
  EXPECT_EQ(samples("kept", "f"), "1:1 2:2");
}

TEST_F(StoreTest, WritesWaitWhereSamplesCannotBeSealedAndAreTakenAgain) {
  const StoreLimits limits{.max_unflushed_bytes = 20'000};
  reopen(limits);
  change_file(path_,
              "CREATE TRIGGER no_segments BEFORE INSERT ON tsdb_segments "
              "BEGIN SELECT RAISE(ABORT, 'made to fail'); END");
  std::int64_t written = 0;
  const auto write_some = [&]() -> Result<WriteOutcome> {
    std::string lines;
    for (std::int64_t i = 1; i <= 50; ++i)
      lines += "m f=" + std::to_string(i) + " " + std::to_string(written + i) + "\n";
    auto outcome = write(lines);
    if (outcome) written += 50;
    return outcome;
  };
  const auto count = [](const Store& store) {
    return static_cast<std::int64_t>(
        store.read("db", "", store.series("db", "m").at(0).id, "f", {})->times.size());
  };
  Result<WriteOutcome> outcome = write_some();
  for (int batch = 0; batch < 2'000 && outcome; ++batch) outcome = write_some();
  ASSERT_FALSE(outcome) << "memory grows without bound";
  EXPECT_EQ(outcome.error().code(), Errc::kUnavailable);
  EXPECT_THAT(outcome.error().message(), HasSubstr("writes wait: samples cannot be sealed: "));
  EXPECT_THAT(outcome.error().message(), HasSubstr("made to fail"));
  EXPECT_LT(store_->stats().memory_bytes, 10 * limits.max_unflushed_bytes);
  EXPECT_EQ(count(*store_), written);
  EXPECT_FALSE(store_->flush());
  EXPECT_FALSE(write_some()) << "still";
  {
    const std::string left = folder_ + "/left.db";
    ASSERT_TRUE(copy_store(path_, left));
    const auto other = Store::open({left, {}}, clock_, log::Log::silent());
    ASSERT_TRUE(other);
    EXPECT_EQ(count(**other), written) << "after a crash, too";
  }

  change_file(path_, "DROP TRIGGER no_segments");
  // Nobody asks for it: the store itself goes on trying.
  while (!write_some()) std::this_thread::yield();
  EXPECT_EQ(count(*store_), written);
  ASSERT_TRUE(store_->flush());
  reopen(limits);
  EXPECT_EQ(count(*store_), written);
}

}  // namespace
}  // namespace gpuscale::tsdb
