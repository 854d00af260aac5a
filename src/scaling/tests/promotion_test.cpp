// SPDX-License-Identifier: Apache-2.0
#include "scaling/promotion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scaling/policy_trial.h"
#include "scaling/replay.h"
#include "scaling/tests/trial_world.h"

namespace gpuscale::scaling {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(PolicyTrial, ATargetSeesItsShareOfWhatAllNodesHad) {
  policy::PolicySpec queue = tried("queue", "hpa", true);
  queue.choice = {"target", 4};
  TrialLook look{.at = WallTime{}, .demand = 1, .ready = 2, .paid = 2, .max_nodes = 50, .boot_seconds = 60};
  look.value = 20;  // each of two nodes has 20: ten nodes have 4 each
  PolicyTrial trial(queue, "", look, {});
  for (int i = 0; i < 120; ++i) trial.look(look);
  const TrialSums before = trial.hours().within(std::chrono::hours{1}, WallTime{});
  trial.look(look);
  const TrialSums after = trial.hours().within(std::chrono::hours{1}, WallTime{});
  EXPECT_NEAR((after.node_seconds - before.node_seconds) / policy::Council::kTickSeconds, 10, 0.01);
  look.value.reset();
  for (int i = 0; i < 60; ++i) trial.look(look);
  EXPECT_NEAR(trial.hours().within(std::chrono::hours{1}, WallTime{}).node_seconds - after.node_seconds,
              60.0 * 10 * policy::Council::kTickSeconds, 1)
      << "what is unknown changes nothing";
}

TEST(PolicyTrial, KnowsWhatTimeOfTheDayItIs) {
  using std::chrono::hours;
  const policy::PolicySpec lookout = tried("calm", "lookout", true);
  TrialLook look{.at = WallTime{}, .ready = 2, .paid = 2, .max_nodes = 50, .boot_seconds = 60};
  const auto pass = [&](PolicyTrial& trial, WallTime to) {
    TrialSums last;
    for (; look.at < to; look.at += std::chrono::seconds{policy::Council::kTickSeconds}) {
      const auto hour = (look.at - std::chrono::floor<std::chrono::days>(look.at)) / hours{1};
      look.demand = hour >= 9 && hour < 18 ? 20 : 2;
      last = trial.look(look);
    }
    return last.node_seconds / policy::Council::kTickSeconds;
  };
  // What the live one has learned since five in the morning, four days before.
  policy::Council live({lookout});
  std::int64_t ready = 4;
  for (look.at = WallTime{} + hours{5}; look.at < WallTime{} + hours{4 * 24 + 5};
       look.at += std::chrono::seconds{policy::Council::kTickSeconds}) {
    const auto hour = (look.at - std::chrono::floor<std::chrono::days>(look.at)) / hours{1};
    const double load = hour >= 9 && hour < 18 ? 20 : 2;
    const policy::Observation seen{.ready = ready,
                                   .utilization = std::min(1.0, load / static_cast<double>(ready))};
    (void)live.tick(seen, look.at, 1, 50, 60);
    ready = std::max<std::int64_t>(1, live.opinions()[0].want.value_or(ready));
  }
  look.at = WallTime{} + hours{4 * 24 + 7};
  PolicyTrial trial(lookout, live.learned("calm"), look, {});
  EXPECT_LE(pass(trial, WallTime{} + hours{4 * 24 + 8}), 5);
  EXPECT_GE(pass(trial, WallTime{} + hours{4 * 24 + 9}), 20) << "before they are asked for";
}

TEST(PolicyTrial, OfStepsThereIsNone) {
  policy::PolicySpec rules = tried("rules", "hpa", true);
  EXPECT_TRUE(can_be_tried(rules));
  rules.choice = {"step", 0};
  EXPECT_FALSE(can_be_tried(rules));
}

TEST(Trial, AShadowsCostAndLossStandBesideThoseOfThePoolAsItWas) {
  TrialWorld tried_out;
  tried_out.live(3.0, 200);
  const auto policies = tried_out.pilot->policies();
  const TrialSums roomy = policies[0].trial->day;
  const TrialSums tight = policies[1].trial->day;
  EXPECT_EQ(roomy.looks, tight.looks);
  EXPECT_LT(tight.node_hours(), 0.45 * roomy.node_hours()) << "two nodes instead of five";
  EXPECT_LT(roomy.bad_share(), 0.1) << "while it grew from two nodes";
  EXPECT_GT(tight.bad_share(), 0.3) << "a third of three nodes' work finds no place on two";
  const auto seats = tried_out.pilot->seats();
  ASSERT_THAT(seats, SizeIs(1));
  const TrialSums as_it_was = seats[0].as_it_was->day;
  EXPECT_NEAR(as_it_was.node_hours(), roomy.node_hours(), 0.1 * roomy.node_hours())
      << "the roomy one is heard";
}

TEST(Trial, ItsHoursSurviveARestart) {
  TrialWorld tried_out;
  tried_out.live(3.0, 60);
  const TrialSums before = tried_out.pilot->policies()[1].trial->week;
  tried_out.pilot->start();
  tried_out.pilot->stop();
  tried_out.open(roomy_and_tight());
  tried_out.live(3.0, 1);
  EXPECT_EQ(tried_out.pilot->policies()[1].trial->week.looks, before.looks + 1);
  EXPECT_EQ(tried_out.pilot->seats()[0].as_it_was->week.looks, before.looks + 1);
}

TEST(Trial, HoursAreKeptForAWeekAndReadBackTheSame) {
  TrialHours hours;
  const WallTime start{std::chrono::hours{1'000}};
  for (int i = 0; i < 400; ++i) hours.add(start + std::chrono::hours{i}, {.looks = 1, .bad = 0.1 * i});
  const WallTime now = start + std::chrono::hours{399};
  EXPECT_EQ(hours.within(std::chrono::hours{10'000}, now).looks, 168);
  EXPECT_EQ(hours.within(std::chrono::hours{23}, now).looks, 24);
  EXPECT_EQ(TrialHours::parse(hours.text())->within(std::chrono::hours{167}, now),
            hours.within(std::chrono::hours{167}, now));
  EXPECT_FALSE(TrialHours::parse("[[1]]"));
  EXPECT_FALSE(TrialHours::parse("nonsense"));
}

TEST(Trial, SilenceIsNoIdlenessAndAFullPoolMayHaveBeenAskedForMore) {
  EXPECT_DOUBLE_EQ(demand_of({.ready = 4, .utilization = 0.5}, 9), 2.0);
  EXPECT_DOUBLE_EQ(demand_of({.ready = 4, .utilization = std::nullopt}, 3.5), 3.5);
  EXPECT_DOUBLE_EQ(demand_of({.ready = 4, .utilization = 1.0}, 0), 4.6);
}

TEST(Promotion, ThePromotedPolicyDecidesAndTheLedgerSaysWhoDidIt) {
  TrialWorld flown;
  flown.live(1.0, 20);
  ASSERT_EQ(flown.world.status().desired, 5);
  ASSERT_TRUE(flown.promote("tight"));
  EXPECT_THAT(flown.heard(), ElementsAre("tight"));
  flown.live(1.0, 60);
  EXPECT_EQ(flown.world.status().desired, 2);
  EXPECT_THAT(flown.world.entries("policy.promoted"),
              ElementsAre(Field(&activity::Entry::summary,
                                HasSubstr("ada promotes policy tight of pool gpu; heard until now: roomy"))));
  EXPECT_THAT(flown.world.entries("policy.rolled_back"), IsEmpty());
}

TEST(Promotion, HarmOnProbationBringsBackTheFormerAndItsChannelsAreTold) {
  TrialWorld flown;
  flown.live(1.0, 40);
  ASSERT_TRUE(flown.promote("tight"));
  flown.live(1.0, 60);
  ASSERT_EQ(flown.world.status().desired, 2);
  flown.telling_fails = true;
  flown.live(3.0, 61);
  EXPECT_THAT(flown.heard(), ElementsAre("roomy"));
  EXPECT_THAT(flown.world.entries("policy.rolled_back"),
              ElementsAre(Field(&activity::Entry::summary, HasSubstr("late or lost"))));
  EXPECT_THAT(flown.told, IsEmpty());
  flown.telling_fails = false;
  flown.open(roomy_and_tight());
  EXPECT_THAT(flown.heard(), ElementsAre("roomy")) << "over a restart too";
  flown.live(3.0, 20);
  ASSERT_THAT(flown.told, SizeIs(1)) << "told once, and not forgotten";
  EXPECT_THAT(flown.told[0].notify, ElementsAre("people"));
  EXPECT_EQ(flown.world.status().desired, 5);
}

TEST(Promotion, AfterProbationItIsKeptWhateverComes) {
  TrialWorld flown;
  flown.live(1.0, 40);
  ASSERT_TRUE(flown.promote("tight", minutes{5}));
  flown.live(1.0, 70);
  EXPECT_EQ(flown.pilot->seats()[0].promotion->state, PromotionState::kKept);
  flown.live(3.0, 80);
  EXPECT_THAT(flown.heard(), ElementsAre("tight"));
  EXPECT_THAT(flown.world.entries("policy.kept"), SizeIs(1));
}

TEST(Promotion, APersonTakesItBackAndARestartKeepsIt) {
  TrialWorld flown;
  flown.live(1.0, 5);
  ASSERT_TRUE(flown.promote("tight"));
  flown.open(roomy_and_tight());
  EXPECT_THAT(flown.heard(), ElementsAre("tight"));
  ASSERT_TRUE(flown.pilot->roll_back("gpu", "bob"));
  EXPECT_THAT(flown.heard(), ElementsAre("roomy"));
  EXPECT_EQ(flown.pilot->roll_back("gpu", "bob").error().code(), Errc::kConflict);
}

TEST(Promotion, ANewWordOfTheConfigurationEndsIt) {
  TrialWorld flown;
  flown.live(1.0, 5);
  ASSERT_TRUE(flown.promote("tight"));
  flown.open(
      {tried("roomy", "static=5", true), tried("tight", "static=2", true), tried("third", "hpa", false)});
  EXPECT_THAT(flown.heard(), ElementsAre("third"));
  EXPECT_THAT(flown.world.entries("policy.promotion_ended"), SizeIs(1));
  flown.open(roomy_and_tight());
  EXPECT_THAT(flown.heard(), ElementsAre("roomy")) << "it does not come back by itself";
}

TEST(Promotion, RefusesWhatCannotBe) {
  TrialWorld flown;
  EXPECT_THAT(flown.promote("other").error().message(), HasSubstr("it has roomy, tight"));
  EXPECT_EQ(flown.promote("roomy").error().code(), Errc::kConflict);
  EXPECT_EQ(flown.promote("tight", -seconds{1}).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(flown.pilot->promote({"none", "tight", "ada", minutes{1}, {}}).error().code(), Errc::kNotFound);
}

TEST(Promotion, EveryLookAroundItReplays) {
  TrialWorld flown;
  flown.live(1.0, 20);
  ASSERT_TRUE(flown.promote("tight"));
  flown.live(3.0, 90);
  const auto journal = *DecisionJournal::open(*flown.world.database);
  const auto report = replay(*journal, "gpu", {WallTime::min(), WallTime::max()});
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->identical());
  EXPECT_EQ(report->looks, 110);
}

TEST(Harm, NeedsMoreThanAMomentAndOthersThatWouldHaveHelped) {
  const HarmLook good{.crowded = false, .offered = 10, .bad = 0, .others_larger = false};
  const HarmLook bad{.crowded = true, .offered = 10, .bad = 1, .others_larger = true};
  std::deque<HarmLook> looks(kHarmLooks, good);
  EXPECT_EQ(harm_in(looks), "");
  looks.back() = bad;
  EXPECT_EQ(harm_in(looks), "") << "0.2 % of the work";
  for (std::size_t i = 0; i < 10; ++i) looks[i] = bad;
  EXPECT_THAT(harm_in(looks), HasSubstr("1.8% of the work was late or lost"));
  for (HarmLook& look : looks) look.others_larger = false;
  EXPECT_EQ(harm_in(looks), "") << "going back would not help";
  EXPECT_EQ(harm_in(std::deque<HarmLook>(kHarmLooks - 1, bad)), "") << "too early to tell";
}

TEST(Promotion, ReadsBackAsItWasWritten) {
  const Promotion promotion{.pool = "gpu",
                            .policy = "tight",
                            .before = {"a", "b"},
                            .declared = {"a"},
                            .who = "ada",
                            .at = WallTime{seconds{5}},
                            .probation_until = WallTime{seconds{50}},
                            .notify = {"people"},
                            .state = PromotionState::kRolledBack,
                            .reason = "harm",
                            .correlation = "c-1",
                            .told = false};
  EXPECT_EQ(*promotion_from_text(to_text(promotion)), promotion);
  EXPECT_FALSE(promotion_from_text("{}"));
}

}  // namespace
}  // namespace gpuscale::scaling
