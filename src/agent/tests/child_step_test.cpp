// SPDX-License-Identifier: Apache-2.0
#include "agent/child_step.h"

#include <gtest/gtest.h>

namespace gpuscale::agent {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kNow{Nanos{1h}};
const ChildPatience kPatience;  // hang after 5 s, end within 5 s

TEST(ChildStep, FollowsTheTable) {
  struct Case {
    const char* what;
    ChildFacts facts;
    ChildStep step;
  };
  const std::vector<Case> cases = {
      {"none runs and it is time", {.next_start = kNow}, ChildStep::kStart},
      {"none runs and it is too early", {.next_start = kNow + 1ns}, ChildStep::kNone},
      {"runs, nothing asked", {.running = true}, ChildStep::kNone},
      {"asked a moment ago", {.running = true, .owed_since = kNow - 4s}, ChildStep::kNone},
      {"asked long ago, no heartbeat", {.running = true, .owed_since = kNow - 5s}, ChildStep::kTellToEnd},
      {"slow, but each call returns",
       {.running = true, .owed_since = kNow - 20s, .heartbeat = kNow - 1s},
       ChildStep::kNone},
      {"told to end a moment ago",
       {.running = true, .owed_since = kNow - 9s, .told_to_end = kNow - 4s},
       ChildStep::kNone},
      {"told to end and did not",
       {.running = true, .owed_since = kNow - 10s, .told_to_end = kNow - 5s},
       ChildStep::kKill},
      {"held by the kernel: a kill would not help and no second one starts",
       {.running = true, .owed_since = kNow - 1h, .told_to_end = kNow - 50min, .uninterruptible = true},
       ChildStep::kNone},
      {"killed, not gone yet",
       {.running = true, .owed_since = kNow - 11s, .told_to_end = kNow - 6s, .killed = true},
       ChildStep::kNone},
  };
  for (const Case& each : cases) EXPECT_EQ(next_step(each.facts, kPatience, kNow), each.step) << each.what;
}

TEST(ChildStep, TheDeathOfOneThatWorkedCostsNoPauseAndARowOfDeathsGrowingOnes) {
  EXPECT_EQ(pause_after({.worked_for = 10s, .ends_in_a_row = 7}, kPatience), 0s);
  EXPECT_EQ(pause_after({.worked_for = 9s, .ends_in_a_row = 0}, kPatience), 1s);
  EXPECT_EQ(pause_after({.worked_for = 0s, .ends_in_a_row = 2}, kPatience), 4s);
  EXPECT_EQ(pause_after({.worked_for = 0s, .ends_in_a_row = 50}, kPatience), 30s);
  EXPECT_EQ(pause_after({.worked_for = 1h, .gave_way = true}, kPatience), 5s) << "whatever it did before";
}

}  // namespace
}  // namespace gpuscale::agent
