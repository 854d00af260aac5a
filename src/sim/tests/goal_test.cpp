// SPDX-License-Identifier: Apache-2.0
#include "sim/goal.h"

#include <gmock/gmock.h>

namespace gpuscale::sim {
namespace {

using ::testing::HasSubstr;

Outcome outcome() {
  Outcome out;
  out.ticks = 720;
  out.tick_seconds = 5;
  out.paid_ticks = 1'440;  // two nodes for an hour
  out.offered = 1'000;
  out.lost = 1;
  out.late = 3;
  out.actions_out = 4;
  out.served_after = {{0, 985}, {2, 11}, {4, 3}};
  return out;
}

TEST(FailureCondition, ComparesWhatItNames) {
  const struct {
    const char* text;
    bool holds;
  } cases[] = {{"bad > 0.3%", true},           {"bad>0.4%", false},        {"bad >= 0.4 %", true},
               {"bad > 0.004", false},         {"lost > 0", true},         {"late < 0.3%", false},
               {"late <= 0.3%", true},         {"node_hours > 1.9", true}, {"node_hours < 2", false},
               {"actions_per_hour > 3", true}, {"p99_wait > 10", false},   {"p99_wait >= 10", true}};
  for (const auto& c : cases) {
    const auto condition = FailureCondition::parse(c.text);
    ASSERT_TRUE(condition) << c.text;
    EXPECT_EQ(condition->holds_for(outcome()), c.holds) << c.text;
  }
  EXPECT_EQ(FailureCondition::parse("bad > 0.1%")->explain(outcome()), "bad is 0.4%");
}

TEST(FailureCondition, LostWorkWaitsForEver) {
  Outcome out = outcome();
  out.lost = 100;
  out.served_after = {{0, 900}};
  EXPECT_TRUE(FailureCondition::parse("p99_wait > 100000")->holds_for(out));
}

TEST(FailureCondition, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"", "bad", "bad > ", "bad > x", "worse > 1", "bad = 1", "bad > 1 2",
                           "node_hours > 5%", "> 1", "bad > inf"}) {
    const auto condition = FailureCondition::parse(text);
    ASSERT_FALSE(condition) << text;
    EXPECT_THAT(condition.error().message(), HasSubstr("bad > 0.1%")) << text;
  }
}

}  // namespace
}  // namespace gpuscale::sim
