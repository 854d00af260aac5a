// SPDX-License-Identifier: Apache-2.0
#include "scaling/trigger.h"

#include <gtest/gtest.h>

#include <limits>

#include "scaling/trigger_json.h"

namespace gpuscale::scaling {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kNow = base::from_unix_nanos(1'700'000'000'000'000'000);

PoolView view(int desired, int min = 2, int max = 6) {
  PoolView out;
  out.spec.name = "gpu";
  out.spec.min = min;
  out.spec.max = max;
  out.spec.cooldown_out = seconds{30};
  out.spec.cooldown_in = minutes{2};
  out.desired = desired;
  return out;
}

TriggerSpec trigger(Direction type, int step = 1) {
  return {.name = type == Direction::kOut ? "gpu-out" : "gpu-in",
          .pool = "gpu",
          .type = type,
          .step = step,
          .secret = Secret(),
          .enabled = true};
}

struct StepCase {
  const char* name;
  Direction type;
  int desired;
  std::optional<int> step;
  Verdict verdict;
  int to;
  const char* clipped_by;
};

class Steps : public ::testing::TestWithParam<StepCase> {};

TEST_P(Steps, LandInsideTheBounds) {
  const StepCase& c = GetParam();
  const auto outcome = decide_trigger(trigger(c.type), {.step = c.step}, view(c.desired), kNow);
  EXPECT_EQ(outcome.verdict, c.verdict) << outcome.reason;
  EXPECT_EQ(outcome.from, c.desired);
  EXPECT_EQ(outcome.to, c.to);
  EXPECT_EQ(outcome.clipped_by, c.clipped_by);
  EXPECT_FALSE(outcome.reason.empty());
}

constexpr int kHuge = std::numeric_limits<int>::max();
INSTANTIATE_TEST_SUITE_P(
    Table, Steps,
    ::testing::Values(StepCase{"OutByOne", Direction::kOut, 2, {}, Verdict::kAccepted, 3, ""},
                      StepCase{"OutByThree", Direction::kOut, 2, 3, Verdict::kAccepted, 5, ""},
                      StepCase{"OutToTheBrim", Direction::kOut, 5, 1, Verdict::kAccepted, 6, ""},
                      StepCase{"OutClipped", Direction::kOut, 5, 4, Verdict::kAccepted, 6, "max"},
                      StepCase{"OutAtMax", Direction::kOut, 6, 1, Verdict::kUnchanged, 6, "max"},
                      StepCase{"OutHugeStep", Direction::kOut, 2, kHuge, Verdict::kAccepted, 6, "max"},
                      StepCase{"InByOne", Direction::kIn, 4, {}, Verdict::kAccepted, 3, ""},
                      StepCase{"InClipped", Direction::kIn, 3, 1000, Verdict::kAccepted, 2, "min"},
                      StepCase{"InAtMin", Direction::kIn, 2, 1, Verdict::kUnchanged, 2, "min"},
                      StepCase{"InHugeStep", Direction::kIn, 6, kHuge, Verdict::kAccepted, 2, "min"},
                      StepCase{"OutFromUnderMin", Direction::kOut, 0, 1, Verdict::kAccepted, 3, ""},
                      StepCase{"InFromOverMax", Direction::kIn, 9, 1, Verdict::kAccepted, 5, ""}),
    [](const auto& case_info) { return std::string(case_info.param.name); });

TEST(DecideTrigger, StepsNearTheIntegerLimitsDoNotOverflow) {
  const auto out = decide_trigger(trigger(Direction::kOut, kMaxStep), {}, view(kHuge - 1, 0, kHuge), kNow);
  EXPECT_EQ(out.to, kHuge);
  EXPECT_EQ(out.clipped_by, "max");
}

TEST(DecideTrigger, TellsACooldownInWholeSecondsAndThatWaitingThemSuffices) {
  PoolView pool = view(4);
  pool.last_out = kNow - std::chrono::milliseconds{26'998};
  const auto outcome = decide_trigger(trigger(Direction::kOut), {}, pool, kNow);
  EXPECT_EQ(outcome.reason, "pool gpu cools down for another 4s before it may grow");
  EXPECT_EQ(outcome.retry_after, std::chrono::milliseconds{3'002})
      << "what waits for it need not wait longer";
}

struct CooldownCase {
  const char* name;
  Direction type;
  std::optional<Nanos> out_ago;
  std::optional<Nanos> in_ago;
  std::optional<Nanos> retry_after;
};

class Cooldowns : public ::testing::TestWithParam<CooldownCase> {};

TEST_P(Cooldowns, RefuseUntilTheyHavePassed) {
  const CooldownCase& c = GetParam();
  PoolView pool = view(4);
  if (c.out_ago) pool.last_out = kNow - *c.out_ago;
  if (c.in_ago) pool.last_in = kNow - *c.in_ago;
  const auto outcome = decide_trigger(trigger(c.type), {}, pool, kNow);
  EXPECT_EQ(outcome.verdict, c.retry_after ? Verdict::kCooldown : Verdict::kAccepted) << outcome.reason;
  EXPECT_EQ(outcome.retry_after, c.retry_after);
  EXPECT_EQ(outcome.to, c.retry_after ? 4 : c.type == Direction::kOut ? 5 : 3);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Cooldowns,
    ::testing::Values(
        CooldownCase{"OutFirstEver", Direction::kOut, {}, {}, {}},
        CooldownCase{"OutTooSoon", Direction::kOut, seconds{10}, {}, seconds{20}},
        CooldownCase{"OutJustFree", Direction::kOut, seconds{30}, {}, {}},
        CooldownCase{"OutIsFreeAfterShrinking", Direction::kOut, {}, seconds{1}, {}},
        CooldownCase{"InTooSoonAfterShrinking", Direction::kIn, {}, seconds{90}, seconds{30}},
        CooldownCase{"InTooSoonAfterGrowing", Direction::kIn, seconds{20}, {}, seconds{100}},
        CooldownCase{"InWaitsForTheLaterOfBoth", Direction::kIn, seconds{100}, seconds{50}, seconds{70}},
        CooldownCase{"InJustFree", Direction::kIn, minutes{2}, minutes{3}, {}},
        CooldownCase{"AClockSetBackALittle", Direction::kOut, -seconds{5}, {}, seconds{35}},
        CooldownCase{"AClockSetBackByYears", Direction::kOut, -std::chrono::hours{9000}, {}, {}}),
    [](const auto& case_info) { return std::string(case_info.param.name); });

TEST(DecideTrigger, AtTheBoundItIsUnchangedEvenInACooldown) {
  PoolView pool = view(6);
  pool.last_out = kNow - seconds{1};
  EXPECT_EQ(decide_trigger(trigger(Direction::kOut), {}, pool, kNow).verdict, Verdict::kUnchanged);
}

TEST(DecideTrigger, ATypeThatContradictsTheTriggerIsAConflict) {
  const auto outcome = decide_trigger(trigger(Direction::kOut), {.type = Direction::kIn}, view(3), kNow);
  EXPECT_EQ(outcome.verdict, Verdict::kConflict);
  EXPECT_EQ(outcome.to, 3);
  EXPECT_NE(outcome.reason.find("scale_in"), std::string::npos);
}

TEST(DecideTrigger, ADisabledTriggerIsAConflict) {
  TriggerSpec off = trigger(Direction::kOut);
  off.enabled = false;
  EXPECT_EQ(decide_trigger(off, {}, view(3), kNow).verdict, Verdict::kConflict);
}

TEST(TriggerJson, GivesTheSameOutcomeBack) {
  PoolView pool = view(5);
  pool.last_out = kNow - seconds{10};
  const auto outcome =
      decide_trigger(trigger(Direction::kOut), {.step = 4, .correlation = "c-1"}, pool, kNow);
  const auto again = outcome_from_json(to_json(outcome));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), to_json(outcome));
  EXPECT_EQ(to_json(outcome).at("retry_after_seconds"), 20);
  EXPECT_TRUE(to_json(outcome).at("clipped_by").is_null());
  EXPECT_EQ(outcome_from_json(nlohmann::json::object()).error().code(), Errc::kCorrupt);
}

}  // namespace
}  // namespace gpuscale::scaling
