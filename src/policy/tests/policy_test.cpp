// SPDX-License-Identifier: Apache-2.0
/// What each policy must do, whatever its constants; its exact figures are held by sim's reference test.
#include <gmock/gmock.h>

#include <sstream>
#include <vector>

#include "policy/capacity_need.h"
#include "policy/catalogue.h"
#include "policy/lookout.h"

namespace gpuscale::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A pool under a constant load per node, seen from some time on.
struct World {
  std::vector<double> utilization;
  std::vector<double> served;
  std::vector<double> backlog;
  std::int64_t ready = 4;

  /// @param load in nodes
  void pass(std::int64_t ticks, double load) {
    const auto nodes = static_cast<double>(ready);
    for (std::int64_t i = 0; i < ticks; ++i) {
      utilization.push_back(std::min(1.0, load / nodes));
      served.push_back(std::min(load, nodes));
      backlog.push_back(std::max(0.0, load - nodes));
    }
  }
  PoolView view() const {
    return {.tick = static_cast<std::int64_t>(utilization.size()),
            .ready = ready,
            .max_nodes = 100,
            .boot_seconds = 60,
            .utilization = utilization,
            .served = served,
            .arrived = served,
            .backlog = backlog};
  }
};

/// The size after `seconds` of a constant load, the pool following at once.
std::int64_t settle(Policy& policy, World world, double load, std::int64_t seconds) {
  for (std::int64_t t = 0; t < seconds; t += policy.period_seconds()) {
    world.pass(policy.period_seconds(), load);
    if (const auto want = policy.decide(world.view())) {
      world.ready = std::clamp<std::int64_t>(*want, 1, 100);
    }
  }
  return world.ready;
}

TEST(Policies, GrowUnderLoadAndShrinkWhenItGoes) {
  for (const PolicyKind& kind : policy_kinds()) {
    // The recipe without repetition takes one step an episode: that is its fault, and the figures show it.
    if (kind.name == "static" || kind.name == "recipe") continue;
    const auto policy = make_policy(*PolicyChoice::parse(kind.name));
    EXPECT_GE(settle(*policy, World{}, 20, 3'600), 20) << kind.name;
    const auto fresh = make_policy(*PolicyChoice::parse(kind.name));
    World large;
    large.ready = 40;
    EXPECT_LT(settle(*fresh, large, 4, 24 * 3'600), 30) << kind.name;
  }
}

TEST(Policies, TheRecipeStepsOncePerEpisode) {
  const auto once = make_policy(*PolicyChoice::parse("recipe"));
  EXPECT_EQ(settle(*once, World{}, 20, 3'600), 5);
}

TEST(Policies, DecideNothingOfNothingAndNeverBelowZero) {
  for (const PolicyKind& kind : policy_kinds()) {
    const auto policy = make_policy(*PolicyChoice::parse(kind.name));
    World world;
    world.ready = 0;
    world.pass(60, 0.0);
    const auto want = policy->decide(world.view());
    EXPECT_GE(want.value_or(0), -1) << kind.name;
    EXPECT_LE(want.value_or(0), 1) << kind.name;
  }
}

TEST(PolicyChoice, IsANameWithAKnobInItsRange) {
  EXPECT_EQ(PolicyChoice::parse("hpa")->to_string(), "hpa=0.7");
  EXPECT_EQ(PolicyChoice::parse("hpa=0.45")->to_string(), "hpa=0.45");
  EXPECT_THAT(PolicyChoice::parse("hpz").error().message(),
              HasSubstr("no policy \"hpz\"; there are lookout"));
  for (const char* bad : {"hpa=", "hpa=x", "hpa=0", "hpa=1.5", "hpa=nan", "hpa=0.5x", "lookout=1"}) {
    EXPECT_THAT(PolicyChoice::parse(bad).error().message(), HasSubstr("is a number from")) << bad;
  }
}

/// Load that swings between two levels, seen with the pool following at once.
void live_through(Policy& policy, World& world, std::int64_t periods) {
  for (std::int64_t i = 0; i < periods; ++i) {
    world.pass(policy.period_seconds(), i % 40 < 20 ? 6 : 11);
    if (const auto want = policy.decide(world.view())) world.ready = std::clamp<std::int64_t>(*want, 1, 100);
  }
}

TEST(Lookout, GoesOnWithWhatItLearnedBeforeARestart) {
  Lookout before({});
  World world;
  live_through(before, world, 800);
  Lookout after({});
  ASSERT_TRUE(after.relearn(before.learned()));
  Lookout ignorant({});
  World same = world;
  for (int i = 0; i < 6; ++i) {
    same.pass(10, 6);
    const auto kept = *before.decide(same.view());
    const auto restarted = *after.decide(same.view());
    EXPECT_LE(std::abs(kept - restarted), 1) << i;
  }
  EXPECT_EQ(after.learned().substr(0, 9), "lookout/5");
}

TEST(Lookout, RefusesADamagedOrForeignStateAndStaysFresh) {
  Lookout policy({});
  World world;
  live_through(policy, world, 50);
  const std::string good = policy.learned();
  Lookout fresh({});
  const std::vector<std::string> damaged{std::string(),
                                         std::string("lookout/1 1 2"),
                                         good.substr(0, good.size() / 2),
                                         good + " 1",
                                         good.substr(0, good.rfind(' ')),
                                         "lookout/5 nan",
                                         std::string("lookout/5 1 1 0 1 1 1 -3"),
                                         std::string("lookout/5 1 1 0 1 1 1 1 99999 1")};
  for (const std::string& bad : damaged) {
    EXPECT_FALSE(fresh.relearn(bad)) << bad.substr(0, 40);
    EXPECT_EQ(fresh.learned(), "");
  }
  EXPECT_TRUE(fresh.relearn(good));
}

TEST(Lookout, ReadsTheStateOfAVersionThatKnewNoHistory) {
  Lookout before({});
  World world;
  live_through(before, world, 400);
  // Three numbers, three bases with their errors, and the margins; histories came later.
  std::istringstream in(before.learned());
  std::string old = "lookout/4";
  std::string number;
  const auto copy = [&](int count) {
    for (int i = 0; i < count && in >> number; ++i) old += ' ' + number;
  };
  in >> number;
  copy(3);
  for (int base = 0; base < 3; ++base) {
    copy(4);
    copy(2 * std::stoi(number));
  }
  copy(2 + static_cast<int>(MarginTrials::kCount));
  Lookout after({});
  const auto done = after.relearn(old);
  ASSERT_TRUE(done) << done.error().message();
  World same = world;
  world.pass(5, 6);
  same.pass(5, 6);
  EXPECT_LE(std::abs(*before.decide(world.view()) - *after.decide(same.view())), 1);
  EXPECT_EQ(after.learned().substr(0, 9), "lookout/5");
}

TEST(Lookout, SaysWhatItSawAndWanted) {
  Lookout policy({});
  World world;
  live_through(policy, world, 30);
  EXPECT_THAT(policy.reason(), HasSubstr("load "));
}

/// What it wants after `seconds` more of a load, in a pool that stays as it is.
std::int64_t want_after(Lookout& policy, World& world, std::int64_t seconds, double load) {
  std::int64_t want = 0;
  for (std::int64_t t = 0; t < seconds; t += policy.period_seconds()) {
    world.pass(policy.period_seconds(), load);
    want = policy.decide(world.view()).value_or(0);
  }
  return want;
}

TEST(Lookout, TakesABurstAtOnceAndForgetsItSoonAfter) {
  Lookout policy({});
  World world;
  world.ready = 30;
  const std::int64_t calm = want_after(policy, world, 3'600, 10);
  EXPECT_LE(calm, 13);
  EXPECT_GE(want_after(policy, world, 20, 20), 20);
  EXPECT_LT(want_after(policy, world, 30, 10), 20);
}

TEST(Lookout, WantsNearlyTwiceAsManyWhereThePoolStaysFull) {
  Lookout policy({.signal = LoadSignal::kUtilization});
  World world;
  world.ready = 10;
  EXPECT_LE(want_after(policy, world, 3'600, 6), 9);
  EXPECT_LE(want_after(policy, world, 10, 10), 14) << "work that waits a little";
  EXPECT_GE(want_after(policy, world, 10, 10), 18);
  EXPECT_THAT(policy.reason(), HasSubstr("the pool is full"));
  EXPECT_LE(want_after(policy, world, 60, 6), 14) << "once it is no longer full, that is over";
}

TEST(Lookout, LaunchesWhatItTakesToCatchUpWhereWorkWaits) {
  Lookout calm({});
  Lookout late({});
  World world;
  world.ready = 20;
  want_after(calm, world, 3'600, 15);
  World behind = world;
  want_after(late, behind, 5, 15);
  world.pass(30, 25);
  behind.pass(30, 25);
  // The same load; but in one of the two pools much waits already.
  behind.backlog.back() = 400;
  const std::int64_t without = *calm.decide(world.view());
  const std::int64_t with = *late.decide(behind.view());
  EXPECT_GT(with, without);
  EXPECT_EQ(with, 34) << "the load of 20, and a thirtieth of what waits";
  EXPECT_THAT(late.reason(), HasSubstr("work waits too long"));
  EXPECT_THAT(calm.reason(), Not(HasSubstr("work waits")));
}

TEST(Lookout, NarrowsItsMarginOnceDaysHaveShownThatNothingIsLost) {
  Lookout policy({});
  World world;
  const auto day = [&] {
    for (int i = 0; i < 86'400 / 5; ++i) {
      world.pass(5, i % 720 < 360 ? 6 : 7);
      if (const auto want = policy.decide(world.view()))
        world.ready = std::clamp<std::int64_t>(*want, 1, 100);
    }
  };
  for (int i = 0; i < 86'400 / 5 / 2; ++i) {
    world.pass(5, 6);
    if (const auto want = policy.decide(world.view())) world.ready = std::clamp<std::int64_t>(*want, 1, 100);
  }
  EXPECT_THAT(policy.reason(), HasSubstr("margin 4 of 8 until a whole day is known"));
  day();
  day();
  EXPECT_THAT(policy.reason(), HasSubstr("margin 8 of 8: with it 0.0"));
  Lookout restarted({});
  ASSERT_TRUE(restarted.relearn(policy.learned()));
  world.pass(5, 6);
  ASSERT_TRUE(restarted.decide(world.view()));
  EXPECT_THAT(restarted.reason(), HasSubstr("margin 8 of 8")) << "what days have taught survives a restart";
}

TEST(Lookout, DoesNotTakeItsFirstGuessForAnError) {
  Lookout policy({});
  World world;
  world.ready = 12;
  // The first ten seconds tell nothing of the load that there is.
  want_after(policy, world, 10, 1);
  EXPECT_LE(want_after(policy, world, 3'600, 8), 12);
}

TEST(Lookout, LooksOnlyAtWhatALivePoolStillKnows) {
  Lookout whole({});
  Lookout cut({});
  World world;
  live_through(whole, world, 60);
  const PoolView all = world.view();
  PoolView recent = all;
  recent.first_tick = 200;
  recent.utilization = recent.utilization.subspan(200);
  recent.served = recent.served.subspan(200);
  recent.arrived = recent.arrived.subspan(200);
  recent.backlog = recent.backlog.subspan(200);
  EXPECT_TRUE(cut.decide(recent));
  for (const PolicyKind& kind : policy_kinds()) {
    EXPECT_NO_FATAL_FAILURE(make_policy(*PolicyChoice::parse(kind.name))->decide(recent)) << kind.name;
  }
}

TEST(CapacityNeed, ForgivesABurstThatCanWait) {
  CapacityNeed need;
  for (int t = 0; t < 300; ++t) need.add(t == 250 ? 15 : 5, 1, 190);
  const double burst = need.take();
  EXPECT_GE(burst, 5.0);
  EXPECT_LT(burst, 5.3);
  for (int t = 0; t < 120; ++t) need.add(15, 1, 190);
  EXPECT_NEAR(need.take(), 15, 1e-9);
}

}  // namespace
}  // namespace gpuscale::policy
