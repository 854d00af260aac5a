// SPDX-License-Identifier: Apache-2.0
#include "tsdb/commit_pace.h"

#include <gtest/gtest.h>

namespace gpuscale::tsdb {
namespace {

TEST(CommitPaceTest, OneWriterIsNeverKeptWaiting) {
  CommitPace pace;
  for (int commit = 0; commit < 10; ++commit) {
    EXPECT_EQ(pace.enough(), 1U);
    EXPECT_GE(pace.most(), 1U);
    pace.ended(1, 0);
  }
}

TEST(CommitPaceTest, FewWritersShareEveryCommit) {
  for (const std::size_t writers : {5U, 16U, 32U}) {
    CommitPace pace;
    for (int commit = 0; commit < 10; ++commit) {
      EXPECT_GE(pace.most(), writers);
      EXPECT_LE(pace.enough(), writers) << "who was answered comes again, but nobody else does";
      pace.ended(writers, 0);
    }
  }
}

TEST(CommitPaceTest, OfACrowdSomeStayBehindForTheNextCommit) {
  CommitPace pace;
  std::size_t waiting = 64;
  for (int commit = 0; commit < 100; ++commit) {
    const std::size_t taken = std::min(waiting, pace.most());
    EXPECT_LE(taken, 40U);
    EXPECT_GE(taken, 24U) << "commits of few cost more than they carry";
    // Those that were answered send again while the next commit goes to disk.
    pace.ended(taken, waiting - taken);
    waiting = 64;
  }
}

TEST(CommitPaceTest, ACrowdThatLeftIsForgotten) {
  CommitPace pace;
  for (int commit = 0; commit < 10; ++commit) pace.ended(pace.most(), 5'000);
  EXPECT_EQ(pace.most(), CommitPace::kMost);
  pace.ended(1, 0);
  EXPECT_EQ(pace.enough(), 1U) << "at once: it may be the last one";
  for (int commit = 0; commit < 100; ++commit) pace.ended(1, 0);
  EXPECT_LE(pace.most(), 40U);
}

}  // namespace
}  // namespace gpuscale::tsdb
