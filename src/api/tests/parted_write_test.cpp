// SPDX-License-Identifier: Apache-2.0
#include "api/parted_write.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gpuscale::api {
namespace {

using Outcome = Result<tsdb::WriteOutcome>;

struct Answers {
  std::vector<Outcome> seen;
  void take(PartedWrite::Whole whole) {
    if (whole) seen.push_back(*std::move(whole));
  }
};

TEST(PartedWrite, IsAnsweredOnceWhenAllPartsAreOnDiskAndNoneFollows) {
  Answers answers;
  PartedWrite write;
  EXPECT_TRUE(write.begin_part());
  answers.take(write.settle(0, tsdb::WriteOutcome{3, 0, ""}));
  EXPECT_TRUE(answers.seen.empty()) << "more may follow";
  EXPECT_TRUE(write.begin_part());
  answers.take(write.close());
  EXPECT_TRUE(answers.seen.empty()) << "one is not on disk";
  answers.take(write.settle(1, tsdb::WriteOutcome{4, 0, ""}));
  ASSERT_EQ(answers.seen.size(), 1U);
  ASSERT_TRUE(answers.seen[0]);
  EXPECT_EQ(answers.seen[0]->written, 7U);
  EXPECT_EQ(answers.seen[0]->dropped, 0U);
}

TEST(PartedWrite, TheEarliestReasonIsGivenHoweverPartsSettle) {
  Answers answers;
  PartedWrite write;
  for (int i = 0; i < 4; ++i) write.begin_part();
  answers.take(write.close());
  answers.take(write.settle(3, tsdb::WriteOutcome{0, 2, "third"}));
  answers.take(write.settle(1, tsdb::WriteOutcome{1, 1, "first"}));
  answers.take(write.settle(2, tsdb::WriteOutcome{0, 5, "second"}));
  answers.take(write.settle(0, tsdb::WriteOutcome{9, 0, ""}));
  ASSERT_EQ(answers.seen.size(), 1U);
  EXPECT_EQ(answers.seen[0]->written, 10U);
  EXPECT_EQ(answers.seen[0]->dropped, 8U);
  EXPECT_EQ(answers.seen[0]->first_reason, "first");
}

TEST(PartedWrite, APartThatFailedIsTheAnswerAndEndsTheHandingOver) {
  Answers answers;
  PartedWrite write;
  write.begin_part();
  write.begin_part();
  answers.take(write.settle(1, Outcome(fail(Errc::kUnavailable, "later"))));
  EXPECT_FALSE(write.begin_part()) << "no further one";
  answers.take(write.settle(2, tsdb::WriteOutcome{1, 0, ""}));
  answers.take(write.close());
  answers.take(write.settle(0, Outcome(fail(Errc::kExhausted, "earlier"))));
  ASSERT_EQ(answers.seen.size(), 1U);
  ASSERT_FALSE(answers.seen[0]);
  EXPECT_EQ(answers.seen[0].error().message(), "earlier");
}

}  // namespace
}  // namespace gpuscale::api
