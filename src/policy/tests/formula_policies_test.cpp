// SPDX-License-Identifier: Apache-2.0
/// Policies that go by a value of the user's own.
#include <gmock/gmock.h>

#include "policy/council.h"
#include "policy/target_tracking.h"

namespace gpuscale::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PoolView view_of(std::int64_t ready, std::int64_t booting, std::optional<double> signal, std::int64_t tick) {
  return {.tick_seconds = 5,
          .tick = tick,
          .ready = ready,
          .booting = booting,
          .max_nodes = 100,
          .signal = signal};
}

const std::vector<StepRule> kSteps{{.above = true, .line = 80, .nodes = 1},
                                   {.above = true, .line = 95, .nodes = 4},
                                   {.above = false, .line = 30, .nodes = 1, .for_seconds = 60}};

TEST(StepRules, TheRuleWithTheMostNodesCounts) {
  StepRules rules(kSteps);
  EXPECT_EQ(rules.decide(view_of(10, 0, 85, 1)), 11);
  EXPECT_EQ(rules.decide(view_of(10, 0, 96, 2)), 14);
  EXPECT_THAT(rules.reason(), HasSubstr("96 is above 95"));
  EXPECT_EQ(rules.decide(view_of(10, 0, 50, 3)), 10) << "between the lines all stays";
}

TEST(StepRules, NodesThatBootAreOnTheirWay) {
  StepRules rules(kSteps);
  EXPECT_EQ(rules.decide(view_of(10, 4, 96, 1)), 14);
  EXPECT_EQ(rules.decide(view_of(10, 2, 85, 2)), 12) << "never fewer than there are";
}

TEST(StepRules, ARuleWithAForMustHoldWithoutAPauseAndSilenceIsOne) {
  StepRules rules(kSteps);
  for (std::int64_t tick = 1; tick <= 12; ++tick)
    EXPECT_EQ(rules.decide(view_of(10, 0, 20, tick)), 10) << tick;
  EXPECT_EQ(rules.decide(view_of(10, 0, 20, 13)), 9);
  EXPECT_EQ(rules.decide(view_of(10, 0, std::nullopt, 14)), std::nullopt);
  EXPECT_EQ(rules.decide(view_of(10, 0, 20, 15)), 10) << "it begins anew";
}

TEST(StepRules, ContradictionsAreNamed) {
  EXPECT_THAT(faults_of(kSteps), IsEmpty());
  EXPECT_THAT(faults_of(std::vector<StepRule>{}), ElementsAre(HasSubstr("needs steps")));
  EXPECT_THAT(faults_of(std::vector<StepRule>{{.above = true, .line = 40}, {.above = false, .line = 50}}),
              ElementsAre(HasSubstr("step below 50 would remove what step above 40 adds")));
  EXPECT_THAT(faults_of(std::vector<StepRule>{{.above = true, .line = 40, .nodes = 0}}),
              ElementsAre(HasSubstr("at least one node")));
}

TEST(Target, AsManyNodesAsGiveEachItsAmount) {
  TargetTracking target(4, TrackedValue::kSignal);
  EXPECT_EQ(target.decide(view_of(5, 0, 8, 6)), 10);
  EXPECT_THAT(target.reason(), HasSubstr("value 8 per node of 5 nodes, target 4"));
  EXPECT_EQ(target.decide(view_of(10, 0, 4.2, 12)), 10) << "near enough";
  EXPECT_EQ(target.decide(view_of(10, 0, std::nullopt, 18)), std::nullopt);
}

TEST(Target, ShrinksOnceTheLargestWishOfFiveMinutesIsSmallerToo) {
  TargetTracking target(4, TrackedValue::kSignal);
  EXPECT_EQ(target.decide(view_of(10, 0, 4, 0)), 10);
  EXPECT_EQ(target.decide(view_of(10, 0, 1, 30)), 10);
  EXPECT_EQ(target.decide(view_of(10, 0, 1, 90)), 3);
}

PolicySpec step_spec(const std::string& name) {
  return {.name = name,
          .pool = "gpu",
          .choice = {"step", 0},
          .formula = {{{"Q", "SELECT"}}, "avg(Q, 1m)"},
          .steps = kSteps};
}

TEST(Council, GivesEachPolicyItsOwnValueAndKeepsThePoolWhereItIsUnknown) {
  Council council({step_spec("queue"), step_spec("latency")});
  const auto grown = council.tick(
      {.ready = 4, .utilization = 0.5, .signals = {{"queue", 50}, {"latency", 99}}}, WallTime{}, 1, 100, 60);
  ASSERT_TRUE(grown);
  EXPECT_EQ(grown->want, 8);
  EXPECT_EQ(grown->decided_by, "latency");
  for (int i = 0; i < 30; ++i) {
    EXPECT_FALSE(
        council.tick({.ready = 8, .utilization = 0.5, .signals = {{"queue", 5}}}, WallTime{}, 1, 100, 60))
        << "one that knows nothing agrees to no shrinkage";
  }
}

TEST(Council, NamesWhatAFormulaPolicyLacks) {
  PolicySpec bare = step_spec("s");
  bare.formula.value.clear();
  EXPECT_THAT(faults_of(bare), ElementsAre(HasSubstr("needs a value")));
  PolicySpec no_target{.name = "t", .pool = "gpu", .choice = {"target", 0}, .formula = {{}, "ready_nodes"}};
  EXPECT_THAT(faults_of(no_target), ElementsAre(HasSubstr("over 0")));
  PolicySpec odd{.name = "h", .pool = "gpu", .choice = *PolicyChoice::parse("hpa"), .formula = {{}, "1"}};
  EXPECT_THAT(faults_of(odd), ElementsAre(HasSubstr("belong to target and step")));
}

}  // namespace
}  // namespace gpuscale::policy
