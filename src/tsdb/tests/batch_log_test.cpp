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
  ASSERT_TRUE(append({"second"}));
  const std::string path = paths().at(0);
  const std::string two = content(path);
  ASSERT_TRUE(append({"third"}));
  const std::string three = content(path);
  for (std::size_t at = two.size() / 2; at < two.size(); ++at) {
    std::string damaged = three;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    put(path, damaged);
    const auto said = restart();
    ASSERT_EQ(said.size(), 1U) << "byte " << at;
    EXPECT_THAT(said[0], HasSubstr(path + ": log entry 2 at byte " + std::to_string(two.size() / 2)));
    EXPECT_THAT(said[0], HasSubstr("restore a backup"));
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

TEST_F(BatchLogTest, AFileInWhichACrashLeftNoEntryIsNoneOfTheNextFilesName) {
  restart();
  ASSERT_TRUE(append({"first"}));
  log_->end_file();
  ASSERT_TRUE(append({"torn"}));
  const std::string path = paths().at(1);
  put(path, content(path).substr(0, 36));
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

TEST_F(BatchLogTest, InMemoryNothingIsKept) {
  database_ = ":memory:";
  EXPECT_THAT(restart(), IsEmpty());
  EXPECT_TRUE(append({"a"}));
  EXPECT_FALSE(std::filesystem::exists(":memory:-log.00000000000000000001"));
}

}  // namespace
}  // namespace gpuscale::tsdb
