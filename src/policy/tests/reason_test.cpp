// SPDX-License-Identifier: Apache-2.0
/// What policies say of their decisions: what they saw, what it is held against, and what follows.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "policy/catalogue.h"
#include "policy/step_rules.h"
#include "policy/target_tracking.h"

namespace gpuscale::policy {
namespace {

using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

/// A pool whose nodes have been at one utilisation, a second a tick.
struct Seen {
  std::vector<double> utilization;
  std::vector<double> served;
  std::vector<double> backlog;
  std::int64_t ready = 4;
  std::int64_t booting = 0;
  std::int64_t min = 1;
  std::int64_t max = 100;

  void pass(std::int64_t seconds, double busy) {
    for (std::int64_t i = 0; i < seconds; ++i) {
      utilization.push_back(busy);
      served.push_back(busy * static_cast<double>(ready));
      backlog.push_back(0);
    }
  }
  PoolView view() const {
    return {.tick = static_cast<std::int64_t>(utilization.size()),
            .ready = ready,
            .booting = booting,
            .min_nodes = min,
            .max_nodes = max,
            .boot_seconds = 60,
            .utilization = utilization,
            .served = served,
            .arrived = served,
            .backlog = backlog};
  }
};

/// Lets so many seconds pass under that load and answers what the policy says of its last look.
std::string said_after(Policy& policy, Seen& seen, std::int64_t seconds, double busy) {
  for (std::int64_t i = 0; i < seconds; i += policy.period_seconds()) {
    seen.pass(policy.period_seconds(), busy);
    (void)policy.decide(seen.view());
  }
  return policy.reason();
}

std::unique_ptr<Policy> policy_of(const char* choice) {
  return make_policy(*PolicyChoice::parse(choice));
}

TEST(Reason, EveryPolicySaysWhatItSawInEveryWeather) {
  for (const PolicyKind& kind : policy_kinds()) {
    const auto policy = make_policy(*PolicyChoice::parse(kind.name));
    Seen seen;
    for (const double busy : {0.0, 0.3, 0.52, 0.7, 1.0, 0.65, 0.05, 0.0}) {
      for (int look = 0; look < 40; ++look) {
        const std::string said = said_after(*policy, seen, 30, busy);
        ASSERT_THAT(said, ContainsRegex("[0-9]")) << kind.name;
        ASSERT_THAT(said, Not(AnyOf(HasSubstr("nan"), HasSubstr("inf "), HasSubstr("00000"),
                                    ContainsRegex("(^| )1 nodes"), HasSubstr("  "), EndsWith(": "))))
            << kind.name;
      }
    }
  }
}

TEST(Reason, HpaNamesValueWindowTargetAndWhatFollows) {
  const auto hpa = policy_of("hpa=0.7");
  Seen seen;
  EXPECT_EQ(said_after(*hpa, seen, 15, 0.9), "has no measurement yet; the metric is scraped each 30s");
  EXPECT_EQ(said_after(*hpa, seen, 45, 0.7),
            "utilisation 70.0% of 4 nodes over 5s, target 70.0%: within a tenth of it, stays at 4");
  EXPECT_EQ(said_after(*hpa, seen, 30, 1.0), "utilisation 100.0% of 4 nodes over 5s, target 70.0%: 6 wanted");
  EXPECT_EQ(
      said_after(*hpa, seen, 30, 0.1),
      "utilisation 10.0% of 4 nodes over 5s, target 70.0%: 1 would do, but 4 were wanted within the last 5m");
  EXPECT_EQ(said_after(*hpa, seen, 330, 0.1),
            "utilisation 10.0% of 4 nodes over 5s, target 70.0%: 1 would do");
  seen.max = 5;
  EXPECT_THAT(said_after(*hpa, seen, 30, 1.0), HasSubstr(": 6 wanted, the pool's max is 5"));
  seen.max = 100;
  seen.booting = 2;
  EXPECT_THAT(said_after(*hpa, seen, 30, 0.9),
              HasSubstr("with those that boot, which count as idle, stays at 6"));
  seen.ready = 0;
  EXPECT_EQ(said_after(*hpa, seen, 30, 0.9), "no node is ready");
}

TEST(Reason, HpaSaysHowManyMayComeAtOnceAndHowLongTheClusterAutoscalerWaits) {
  const auto hpa = policy_of("hpa=0.1");
  Seen seen;
  EXPECT_EQ(said_after(*hpa, seen, 30, 1.0),
            "utilisation 100.0% of 4 nodes over 5s, target 10.0%: 40 wanted, at most 8 at once");
  const auto slow = policy_of("hpa_ca=0.7");
  Seen idle;
  EXPECT_THAT(said_after(*slow, idle, 120, 0.1),
              HasSubstr(": 1 would do, taken away once that has lasted for 10m (so far 1m30s)"));
}

TEST(Reason, KedaAndKpaNameTheLoad) {
  const auto keda = policy_of("keda=0.5");
  Seen seen;
  EXPECT_EQ(said_after(*keda, seen, 90, 0.9), "a load of 3.6 nodes over 1m, target 0.5 a node: 8 wanted");
  const auto kpa = policy_of("kpa=0.5");
  Seen few;
  EXPECT_EQ(
      said_after(*kpa, few, 30, 0.25),
      "a concurrency of 1 node over 1m and 1 over 6s, target 0.5 a node: 2 wanted, but it panicked 30s ago "
      "and keeps 4");
}

TEST(Reason, TheOthersSayWhyTheyStay) {
  Seen seen;
  const auto recipe = policy_of("recipe");
  EXPECT_EQ(said_after(*recipe, seen, 60, 0.5),
            "utilisation 50.0% over 1m, over the high rule's 45.0%: one more");
  EXPECT_EQ(
      said_after(*recipe, seen, 60, 0.5),
      "utilisation 50.0% over 2m, over the high rule's 45.0%: it was so before, and a rule notifies once");
  Seen aws;
  const auto tracking = policy_of("aws_tt=0.5");
  EXPECT_EQ(said_after(*tracking, aws, 180, 0.9),
            "utilisation in each of 3 minutes 90.0% to 90.0%, the newest 90.0%, target 50.0%: 8 wanted");
  EXPECT_THAT(said_after(*tracking, aws, 60, 0.5),
              EndsWith("has not seen 15 minutes yet, before which it takes none away"));
  EXPECT_THAT(said_after(*tracking, aws, 900, 0.47),
              EndsWith("target 50.0%: neither 3 minutes over it nor 15 under 45.0%, stays"));
  Seen google;
  EXPECT_THAT(said_after(*policy_of("gce_mig=0.6"), google, 60, 0.9),
              "utilisation 90.0% of 4 nodes over 1m, target 60.0%: 6 wanted");
  EXPECT_EQ(said_after(*policy_of("static=3"), seen, 60, 0.5), "always 3");
}

TEST(Reason, TargetTrackingSaysWhatHoldsItBack) {
  TargetTracking policy(0.6);
  Seen seen;
  EXPECT_EQ(said_after(policy, seen, 60, 0.9),
            "utilisation 90.0% of 4 nodes over 1m, target 60.0%: 6 wanted");
  EXPECT_EQ(
      said_after(policy, seen, 60, 0.1),
      "utilisation 10.0% of 4 nodes over 1m, target 60.0%: 1 would do, but 4 were wanted within the last 5m");
  EXPECT_EQ(said_after(policy, seen, 300, 0.1),
            "utilisation 10.0% of 4 nodes over 1m, target 60.0%: 1 would do");
}

TEST(Reason, AStepThatMustLastSaysHowLongItHas) {
  StepRules rules(
      {{.above = true, .line = 80, .nodes = 2}, {.above = false, .line = 30, .nodes = 1, .for_seconds = 60}});
  PoolView view{.tick = 10, .ready = 4, .max_nodes = 100, .signal = 20};
  (void)rules.decide(view);
  view.tick = 35;
  (void)rules.decide(view);
  EXPECT_EQ(rules.reason(), "value 20 is below 30, so far for 25s of 1m: stays at 4");
  view.tick = 70;
  (void)rules.decide(view);
  EXPECT_EQ(rules.reason(), "value 20 is below 30: 3 would do");
  view.signal = 50;
  (void)rules.decide(view);
  EXPECT_EQ(rules.reason(), "value 50, no step holds: stays at 4");
}

TEST(Evidence, IsWhatTheReasonSaysInNumbers) {
  Seen seen;
  const auto hpa = policy_of("hpa=0.7");
  (void)said_after(*hpa, seen, 30, 0.9);
  EXPECT_DOUBLE_EQ(*hpa->evidence().value, 0.9);
  EXPECT_EQ(hpa->evidence().target, 0.7);
  EXPECT_EQ(hpa->evidence().window_seconds, 5);
  Seen busy;
  const auto lookout = policy_of("lookout");
  (void)said_after(*lookout, busy, 600, 0.5);
  EXPECT_NEAR(*lookout->evidence().load, 2, 0.1);
  EXPECT_GE(*lookout->evidence().forecast, 2);
  EXPECT_TRUE(lookout->evidence().missed);
  EXPECT_FALSE(lookout->evidence().distrusted);
}

}  // namespace
}  // namespace gpuscale::policy
