// SPDX-License-Identifier: Apache-2.0
#include "agent/spool.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gpuscale::agent {
namespace {

using ::testing::HasSubstr;

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() {
    options_.folder = ::testing::TempDir() + "gpuscale_spool_" + std::to_string(::getpid());
    std::filesystem::remove_all(options_.folder);
  }
  ~SpoolTest() override {
    spool_.reset();
    std::filesystem::remove_all(options_.folder);
  }
  void open() {
    spool_.reset();
    auto spool = Spool::open(options_, log::Log::silent());
    ASSERT_TRUE(spool) << spool.error().message();
    spool_ = *std::move(spool);
  }
  std::string newest_segment() const {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder)) {
      if (entry.path().extension() == ".seg" && entry.file_size() > 0)
        newest = std::max(newest, entry.path().string());
    }
    return newest;
  }

  SpoolOptions options_;
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolTest, GivesLinesInTheOrderInWhichTheyCame) {
  open();
  spool_->push({"1\n", "2\n"});
  spool_->push({"3\n"});
  EXPECT_EQ(spool_->take(2).body, "1\n2\n");
  spool_->done(1);
  EXPECT_EQ(spool_->take(10).body, "3\n");
  spool_->put_back();
  EXPECT_EQ(spool_->take(10).body, "3\n");
  spool_->done(0);
  EXPECT_EQ(spool_->size(), 0U);
  EXPECT_EQ(spool_->delivered(), 2U);
  EXPECT_EQ(spool_->dropped(), 1U);
}

TEST_F(SpoolTest, WhatWaitsSurvivesARestartAndWhatArrivedIsNotSentAgain) {
  open();
  spool_->push({"1\n", "2\n", "3\n"});
  EXPECT_EQ(spool_->take(1).lines, 1U);
  spool_->done(0);
  open();
  EXPECT_EQ(spool_->size(), 2U);
  spool_->push({"4\n"});
  EXPECT_EQ(spool_->take(10).body, "2\n3\n4\n");
  spool_->done(0);
  open();
  EXPECT_EQ(spool_->size(), 0U);
}

TEST_F(SpoolTest, AKilledWriterLosesNothingThatWasPushed) {
  const pid_t writer = ::fork();
  if (writer == 0) {
    auto spool = Spool::open(options_, log::Log::silent());
    if (spool) (*spool)->push({"1\n", "2\n"});
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(writer, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  open();
  EXPECT_EQ(spool_->take(10).body, "1\n2\n");
}

TEST_F(SpoolTest, AHalfWrittenRecordIsCutOff) {
  open();
  spool_->push({"1\n", "2\n"});
  spool_.reset();
  std::ofstream(newest_segment(), std::ios::app | std::ios::binary) << std::string("\x20\x00\x00\x00junk", 8);
  open();
  spool_->push({"3\n"});
  EXPECT_EQ(spool_->take(10).body, "1\n2\n3\n");
}

TEST_F(SpoolTest, ADamagedRecordEndsItsSegmentAndNoMore) {
  open();
  spool_->push({"first\n", "second\n"});
  spool_.reset();
  {
    std::fstream file(newest_segment(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8 + 6 + 8);
    file << 'X';
  }
  open();
  spool_->push({"3\n"});
  EXPECT_EQ(spool_->take(10).body, "first\n3\n");
}

TEST_F(SpoolTest, DropsTheOldestBeyondItsBoundAndCountsThem) {
  options_.segment_bytes = 100;
  options_.max_bytes = 1'000;
  open();
  const std::string line(41, 'x');
  for (int i = 0; i < 1'000; ++i) {
    spool_->push({line + std::to_string(i % 10) + "\n"});
    ASSERT_LE(spool_->bytes(), options_.max_bytes + 2 * options_.segment_bytes);
  }
  EXPECT_EQ(spool_->dropped() + spool_->size(), 1'000U);
  EXPECT_GT(spool_->size(), 10U);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(options_.folder)) ++files;
  EXPECT_LE(files, 15U);
}

TEST_F(SpoolTest, ABatchGoesOverManySegmentsAndTheyAreGoneOnceDelivered) {
  options_.segment_bytes = 20;
  open();
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    expected += std::to_string(i) + "\n";
    spool_->push({std::to_string(i) + "\n"});
  }
  std::string all;
  while (spool_->size() > 0) {
    all += spool_->take(7).body;
    spool_->done(0);
  }
  EXPECT_EQ(all, expected);
  std::size_t segments = 0;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder)) {
    if (entry.path().extension() == ".seg") ++segments;
  }
  EXPECT_LE(segments, 2U);
}

TEST_F(SpoolTest, OfAnotherAgentIsNotTouched) {
  open();
  const auto second = Spool::open(options_, log::Log::silent());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("another agent"));
  options_.folder = "/proc/nosuch";
  EXPECT_THAT(Spool::open(options_, log::Log::silent()).error().message(), HasSubstr("--spool"));
}

}  // namespace
}  // namespace gpuscale::agent
