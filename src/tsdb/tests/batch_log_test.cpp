// SPDX-License-Identifier: Apache-2.0
#include "tsdb/batch_log.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "tsdb/byte_code.h"

namespace gpuscale::tsdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BatchLogTest : public ::testing::Test {
 protected:
  BatchLogTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "gpuscale-log-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    database_ = folder_ + "/metrics.db";
  }
  ~BatchLogTest() override { std::filesystem::remove_all(folder_); }

  /// As after a crash: what was open is forgotten.
  std::vector<std::string> restart(std::int64_t sealed = 0, std::uint64_t most_bytes = 0) {
    std::vector<std::string> seen;
    log_ = std::make_unique<BatchLog>(database_, most_bytes);
    const auto newest = log_->replay(sealed, [&seen](std::string_view batch) -> Result<void> {
      seen.emplace_back(batch);
      return {};
    });
    if (!newest) return {newest.error().message()};
    newest_ = *newest;
    return seen;
  }
  Result<void> append(std::vector<std::string_view> batches) {
    auto done = log_->append(newest_ + 1, batches);
    if (done) ++newest_;
    return done;
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> out;
    const auto found = log_files(database_);
    for (const LogFile& file : *found) out.push_back(file.path);
    return out;
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  /// An entry as versions before salts wrote it, which anybody can make up.
  static std::string unsalted(std::int64_t sequence, std::string_view batch) {
    std::string batches;
    put_text(batches, batch);
    std::string summed;
    put_fixed(summed, static_cast<std::uint64_t>(sequence));
    put_fixed(summed, checksum(batches));
    std::string frame;
    put_fixed(frame, FrameHead::kMark);
    put_fixed(frame, static_cast<std::uint64_t>(sequence));
    put_fixed(frame, batches.size());
    put_fixed(frame, checksum(summed));
    return frame + batches;
  }

  std::string folder_;
  std::string database_;
  std::unique_ptr<BatchLog> log_;
  std::int64_t newest_ = 0;
};

TEST_F(BatchLogTest, EntriesComeBackInTheirOrderFromAllFiles) {
  EXPECT_THAT(restart(), IsEmpty());
  ASSERT_TRUE(append({"a", "b"}));
  ASSERT_TRUE(append({"c"}));
  log_->end_file();
  ASSERT_TRUE(append({"d"}));
  EXPECT_THAT(restart(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(newest_, 3);
  ASSERT_TRUE(append({"e"}));
  EXPECT_THAT(restart(), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(restart(2), ElementsAre("d", "e")) << "behind what is sealed";
  EXPECT_THAT(restart(4), IsEmpty());
  EXPECT_EQ(newest_, 4);
}

TEST_F(BatchLogTest, WhateverACrashLeavesOfTheLastEntryThoseBeforeAreThere) {
  restart();
  ASSERT_TRUE(append({"first"}));
  ASSERT_TRUE(append({"second"}));
  const std::string path = paths().at(0);
  const std::string two = content(path);
  ASSERT_TRUE(append({"the last", "of three"}));
  const std::string three = content(path);
  for (std::size_t size = two.size(); size < three.size(); ++size) {
    put(path, three.substr(0, size));
    EXPECT_THAT(restart(), ElementsAre("first", "second")) << "cut to " << size;
    std::string torn = three;
    torn[size] = static_cast<char>(torn[size] ^ 0x40);
    put(path, torn);
    EXPECT_THAT(restart(), ElementsAre("first", "second")) << "damaged at " << size;
    ASSERT_TRUE(append({"again"}));
    EXPECT_THAT(restart(), ElementsAre("first", "second", "again"));
    std::filesystem::remove(paths().back());
  }
}

TEST_F(BatchLogTest, DamageBeforeWholeEntriesIsSaidWithItsPlaceAndTheMend) {
  restart();
  ASSERT_TRUE(append({"first"}));
  const std::string path = paths().at(0);
  const std::size_t second = content(path).size();
  ASSERT_TRUE(append({"second"}));
  const std::string two = content(path);
  ASSERT_TRUE(append({"third"}));
  const std::string three = content(path);
  for (std::size_t at = second; at < two.size(); ++at) {
    std::string damaged = three;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    put(path, damaged);
    const auto said = restart();
    ASSERT_EQ(said.size(), 1U) << "byte " << at;
    EXPECT_THAT(said[0], HasSubstr(path + ": log entry 2 at byte " + std::to_string(second)));
    EXPECT_THAT(said[0], HasSubstr("restore a backup"));
  }
  for (std::size_t at = 0; at < FileHead::kBytes; ++at) {
    std::string damaged = three;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    put(path, damaged);
    EXPECT_THAT(restart(), ElementsAre(HasSubstr(path + ": log entry 1 at byte 0 is damaged"))) << at;
  }
}

TEST_F(BatchLogTest, AFileThatIsMissingBetweenOthersIsSaid) {
  restart();
  for (const char* batch : {"a", "b", "c"}) {
    ASSERT_TRUE(append({batch}));
    log_->end_file();
  }
  std::filesystem::remove(paths().at(1));
  EXPECT_THAT(restart(), ElementsAre(HasSubstr("goes on with log entry 3 where entry 2 should stand")));
  EXPECT_THAT(restart(1), ElementsAre(HasSubstr("where entry 2 should stand")));
  EXPECT_THAT(restart(2), ElementsAre("c")) << "it was sealed, so it is not missed";
}

TEST_F(BatchLogTest, AFileIsWrittenOverAndItsEarlierLifeIsNotReadAgain) {
  restart();
  for (const char* batch : {"old 1", "old 2", "old 3"}) ASSERT_TRUE(append({batch}));
  log_->end_file();
  log_->forget(3);
  const auto spare = paths();
  ASSERT_EQ(spare.size(), 1U);
  // As long as those before, so that the old ones stand just behind it.
  ASSERT_TRUE(append({"new 4"}));
  EXPECT_EQ(paths().size(), 1U) << "written over, not beside";
  EXPECT_NE(paths(), spare);
  EXPECT_THAT(restart(3), ElementsAre("new 4"));
  ASSERT_TRUE(append({"new 5"}));
  EXPECT_THAT(restart(3), ElementsAre("new 4", "new 5"));
  log_->forget(5);
  EXPECT_EQ(paths().size(), 1U) << "one is kept";
  log_->give_back();
  EXPECT_THAT(paths(), IsEmpty());
  EXPECT_EQ(log_->bytes(), 0U);
}

TEST_F(BatchLogTest, ACrashBetweenTheNewNameOfAFileAndItsFirstEntryLeavesNone) {
  restart();
  ASSERT_TRUE(append({"old 1"}));
  ASSERT_TRUE(append({"old 2"}));
  const std::string old = content(paths().at(0));
  log_->end_file();
  log_->forget(2);
  ASSERT_TRUE(append({"new 3"}));
  const std::string path = paths().at(0);
  const std::string fresh = content(path);
  ASSERT_EQ(fresh.size(), old.size());
  EXPECT_NE(fresh.substr(0, FileHead::kBytes), old.substr(0, FileHead::kBytes)) << "a salt of its own";
  put(path, old);
  EXPECT_THAT(restart(2), IsEmpty());
  // However much of the first entry reached the disk, and in whatever order.
  for (std::size_t size = FileHead::kBytes; size < FileHead::kBytes + FrameHead::kBytes + 6; ++size) {
    put(path, fresh.substr(0, size - 1) + old.substr(size - 1));
    EXPECT_THAT(restart(2), IsEmpty()) << size;
    put(path, old.substr(0, size) + fresh.substr(size));
    EXPECT_THAT(restart(2), IsEmpty()) << size;
  }
}

TEST_F(BatchLogTest, AFileOfAnEarlierVersionIsReadAndNotWrittenOver) {
  const std::string path = log_file_path(database_, 1);
  const std::string two = unsalted(1, "a") + unsalted(2, "b");
  put(path, two + "torn");
  EXPECT_THAT(restart(), ElementsAre("a", "b"));
  ASSERT_TRUE(append({"c"}));
  EXPECT_THAT(restart(), ElementsAre("a", "b", "c"));
  for (const std::size_t at : {0U, 8U, 16U, 24U, 32U}) {
    std::string damaged = two;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    put(path, damaged);
    EXPECT_THAT(restart(), ElementsAre(HasSubstr(path + ": log entry 1 at byte 0 is damaged"))) << at;
  }
  put(path, two);
  EXPECT_THAT(restart(2), ElementsAre("c"));
  EXPECT_THAT(paths(), ElementsAre(log_file_path(database_, 3))) << "none is kept to be written over";
}

TEST_F(BatchLogTest, WhoReadsAFileThatIsWrittenOverMeanwhileSeesOneLifeOfIt) {
  // As a backup does. Of a file without a salt the numbers alone tell.
  const std::string path = log_file_path(database_, 1);
  put(path, unsalted(1, "old 1") + unsalted(2, "old 2"));
  {
    auto reader = *LogFileReader::open(log_files(database_)->at(0));
    EXPECT_EQ((*reader.next())->sequence, 1);
    put(path, unsalted(3, "new 3") + unsalted(4, "new 4"));
    EXPECT_FALSE(*reader.next());
  }
  // With one it is told where even the numbers go on.
  std::string lives[2];
  for (std::string& life : lives) {
    std::filesystem::remove(path);
    restart();
    for (const char* batch : {"1", "2"}) ASSERT_TRUE(append({batch}));
    life = content(path);
  }
  put(path, lives[0]);
  auto reader = *LogFileReader::open(log_files(database_)->at(0));
  EXPECT_EQ((*reader.next())->sequence, 1);
  put(path, lives[1]);
  EXPECT_FALSE(*reader.next());
}

TEST_F(BatchLogTest, AnEntryMadeUpInAValueDoesNotStopTheStart) {
  restart();
  ASSERT_TRUE(append({"first"}));
  ASSERT_TRUE(append({unsalted(1'000, "made up") + std::string(100, 'x')}));
  const std::string path = paths().at(0);
  const std::string both = content(path);
  put(path, both.substr(0, both.size() - 50));
  EXPECT_THAT(restart(), ElementsAre("first")) << "a crash tore the last entry, not what it holds";

  // In a file that is written over it stands behind the newest entry.
  ASSERT_TRUE(append({std::string(1'000, 'x') + unsalted(1'000, "made up")}));
  log_->end_file();
  log_->forget(newest_);
  ASSERT_TRUE(append({"next"}));
  EXPECT_THAT(content(paths().at(0)), HasSubstr("made up"));
  EXPECT_THAT(restart(newest_ - 1), ElementsAre("next"));
}

TEST_F(BatchLogTest, AnEntryMadeUpInAValueIsNotReplayedWhereTheNextOneWouldStand) {
  restart();
  ASSERT_TRUE(append({std::string(100, 'x')}));
  const std::size_t around = content(paths().at(0)).size() - 100;
  log_->end_file();
  log_->forget(newest_);
  const std::string made_up = unsalted(4, "made up");
  ASSERT_TRUE(append({std::string(100, 'x') + made_up}));
  const std::size_t at = content(paths().at(0)).find(made_up);
  log_->end_file();
  log_->forget(newest_);
  ASSERT_TRUE(append({std::string(at - around, 'y')}));
  ASSERT_EQ(content(paths().at(0)).find(made_up), at) << "just behind entry 3";
  EXPECT_THAT(restart(2), ElementsAre(std::string(at - around, 'y')));
  EXPECT_EQ(newest_, 3);
}

TEST_F(BatchLogTest, AFileInWhichACrashLeftNoEntryIsNoneOfTheNextFilesName) {
  restart();
  ASSERT_TRUE(append({"first"}));
  log_->end_file();
  ASSERT_TRUE(append({"torn"}));
  const std::string path = paths().at(1);
  const std::string whole = content(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(path, whole.substr(0, size));
    EXPECT_THAT(restart(), ElementsAre("first")) << "cut to " << size;
    put(path, whole.substr(0, size) + std::string(100, '\0') + unsalted(1'000, "made up"));
    EXPECT_THAT(restart(), ElementsAre("first")) << "the rest not on the disk from " << size;
  }
  // Of a salt that was torn there may be left what reads as the number of the first entry.
  put(path,
      whole.substr(0, sizeof FileHead::kMark) + '\2' + std::string(100, '\0') + unsalted(1'000, "made up"));
  EXPECT_THAT(restart(), ElementsAre("first"));
  put(path, whole.substr(0, whole.size() - 1));
  EXPECT_THAT(restart(), ElementsAre("first"));
  ASSERT_TRUE(append({"second"}));
  EXPECT_EQ(paths().back(), path) << "it begins with the same entry";
  log_->forget(1);
  EXPECT_THAT(restart(1), ElementsAre("second")) << "the file of another was put away, not this one";
  ASSERT_TRUE(append({"third"}));
  log_->end_file();
  log_->forget(3);
  ASSERT_TRUE(append({"fourth"}));
  EXPECT_THAT(restart(3), ElementsAre("fourth"));
}

/// Writing it failed, and so did clearing it and cutting the file: three faults of a disk in a row.
TEST_F(BatchLogTest, AFailedEntryThatStaysBehindDoesNotHideTheOneOfItsNumber) {
  restart();
  ASSERT_TRUE(append({"first"}));
  const std::string path = paths().at(0);
  const std::string one = content(path);
  ASSERT_TRUE(append({"failed"}));
  const std::string two = content(path);
  put(path, one);
  EXPECT_THAT(restart(), ElementsAre("first"));
  ASSERT_TRUE(append({"acknowledged"}));
  ASSERT_TRUE(append({"third"}));
  put(path, two);
  EXPECT_THAT(restart(), ElementsAre("first", "acknowledged", "third"));
  ASSERT_TRUE(append({"fourth"}));
  EXPECT_THAT(restart(1), ElementsAre("acknowledged", "third", "fourth"));
}

TEST_F(BatchLogTest, AFileWhoseFirstEntryDidNotFitIsBegunAnew) {
  restart(0, 1'000);
  ASSERT_TRUE(append({"first"}));
  log_->end_file();
  EXPECT_FALSE(append({std::string(2'000, 'x')}));
  log_->end_file();
  ASSERT_TRUE(append({"second"}));
  log_->forget(1);
  EXPECT_THAT(restart(1), ElementsAre("second"));
}

TEST_F(BatchLogTest, AfterAFullDiskItGoesOnWhereItWas) {
  restart();
  const std::string large(100'000, 'x');
  ASSERT_TRUE(append({large}));
  // The kernel's own limit of a file: what is written up to it stays, as on a full disk.
  ::rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const ::rlimit tight{150'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto refused = append({large});
  const auto small = append({"small"});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kExhausted);
  EXPECT_THAT(refused.error().message(), HasSubstr(paths().at(0)));
  EXPECT_TRUE(small) << "it fits";
  ASSERT_TRUE(append({large, "more"}));
  EXPECT_THAT(restart(), ElementsAre(large, "small", large, "more"));
}

TEST_F(BatchLogTest, KeepsToItsLimitAndTakesUpAgainWhenFilesAreForgotten) {
  restart(0, 2'000);
  const std::string batch(500, 'x');
  while (append({batch})) ASSERT_LT(newest_, 10);
  EXPECT_EQ(newest_, 3);
  EXPECT_LE(log_->bytes(), 2'000U);
  log_->end_file();
  log_->forget(newest_);
  EXPECT_TRUE(append({batch}));
}

TEST_F(BatchLogTest, AFileGrowsSeldomAndNoLongerThanItsLimitAllows) {
  constexpr std::uint64_t kLimit = 3'000'000;
  restart(0, kLimit);
  const std::string batch(10'000, 'x');
  std::vector<std::string> written;
  std::vector<std::uint64_t> sizes;
  while (append({batch})) {
    written.push_back(batch);
    const auto size = std::filesystem::file_size(paths().at(0));
    EXPECT_EQ(size, log_->bytes());
    EXPECT_LE(size, kLimit);
    if (sizes.empty() || size != sizes.back()) sizes.push_back(size);
    ASSERT_LT(written.size(), 1'000U);
  }
  EXPECT_GT(written.size() * batch.size(), kLimit - 3 * batch.size()) << "room ahead is used in the end";
  EXPECT_LT(sizes.size() * 3, written.size());
  EXPECT_EQ(restart(0, kLimit), written);
  restart(newest_);
  log_->give_back();
  std::size_t entries = 0;
  for (; entries < 10; ++entries) ASSERT_TRUE(append({batch}));
  const auto size = [this] { return std::filesystem::file_size(paths().at(0)); };
  EXPECT_GT(size(), entries * (batch.size() + 100)) << "room ahead";
  log_->end_file();
  EXPECT_LT(size(), entries * (batch.size() + 100)) << "no more than its entries";
  EXPECT_EQ(size(), log_->bytes());
}

TEST_F(BatchLogTest, InMemoryNothingIsKept) {
  database_ = ":memory:";
  EXPECT_THAT(restart(), IsEmpty());
  EXPECT_TRUE(append({"a"}));
  EXPECT_FALSE(std::filesystem::exists(":memory:-log.00000000000000000001"));
}

}  // namespace
}  // namespace gpuscale::tsdb
