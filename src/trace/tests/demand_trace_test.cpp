// SPDX-License-Identifier: Apache-2.0
#include "trace/demand_trace.h"

#include <gmock/gmock.h>

namespace gpuscale::trace {
namespace {

using ::testing::ElementsAre;

DemandTrace must(const std::string& rows) {
  auto made = DemandTrace::parse("t_seconds,demand\n" + rows, "t.csv");
  EXPECT_TRUE(made) << made.error().message();
  return *std::move(made);
}

TEST(DemandTrace, EachTickHasTheDemandOfItsStart) {
  EXPECT_THAT(*must("0,1\n10,2\n20,3\n").per_tick(5), ElementsAre(1, 1, 2, 2, 3, 3));
  EXPECT_THAT(*must("0,1\n10,2\n20,3\n").per_tick(4), ElementsAre(1, 1, 1, 2, 2, 3, 3)) << "whole ticks only";
  EXPECT_THAT(*must("7,1\n8,2\n").per_tick(1), ElementsAre(1, 2)) << "time starts at the first row";
}

TEST(DemandTrace, ReadsWhatSpreadsheetsSave) {
  const auto saved = DemandTrace::parse("\xef\xbb\xbft_seconds,demand\r\n0,1\r\n10,2\r\n", "t.csv");
  ASSERT_TRUE(saved) << saved.error().message();
  EXPECT_THAT(*saved->per_tick(10), ElementsAre(1, 2));
}

TEST(DemandTrace, TheLastRowLastsAsLongAsTheOneBefore) {
  EXPECT_EQ(must("0,1\n10,2\n40,3\n").seconds(), 70);
  EXPECT_EQ(must("5,1\n").seconds(), 1);
}

TEST(DemandTrace, SaysWhereRowsSeemToBeMissing) {
  const auto gap_of = [](const char* rows) {
    return DemandTrace::parse(std::string("t_seconds,demand\n") + rows, "x.csv")->widest_gap();
  };
  EXPECT_FALSE(gap_of("0,1\n"));
  EXPECT_FALSE(gap_of("0,1\n60,1\n120,1\n400,1\n")) << "a few missing minutes";
  const auto gap = gap_of("0,1\n60,2\n86400,3\n86460,1\n86520,1\n");
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->from, 60);
  EXPECT_EQ(gap->to, 86400);
  EXPECT_EQ(gap->usual, 60);
}

TEST(DemandTrace, RefusesMoreTicksThanItHolds) {
  EXPECT_EQ(must("0,1\n3000000000,2\n").per_tick(1).error().code(), Errc::kExhausted);
}

}  // namespace
}  // namespace gpuscale::trace
