// SPDX-License-Identifier: Apache-2.0
// Policies that are made, changed and deleted while their pool runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scaling/replay.h"
#include "scaling/tests/trial_world.h"

namespace gpuscale::scaling {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

using Specs = std::vector<policy::PolicySpec>;

policy::PolicySpec stepping(const std::string& value) {
  policy::PolicySpec spec{"steps", "gpu", {"step", 0}, false, 60};
  spec.formula = {{{"Q", "SELECT 1"}}, value};
  spec.steps = {{.above = true, .line = 10, .nodes = 2}};
  return spec;
}

/// What is in the database of a policy; "" = nothing.
std::string stored(World& world, const char* sql) {
  const auto found = world.database->read<std::string>([&](db::Transaction& tx) -> Result<std::string> {
    GS_TRY(auto rows, tx.prepare(sql));
    GS_TRY(const bool more, rows.step());
    return more ? rows.text(0) : std::string();
  });
  return found ? *found : found.error().message();
}
std::string learned(World& world) {
  return stored(world, "SELECT learned FROM policy_state WHERE policy = 'look'");
}

PolicyStatus status_of(const TrialWorld& flown, const std::string& name) {
  for (const PolicyStatus& each : flown.pilot->policies())
    if (each.spec.name == name) return each;
  ADD_FAILURE() << "no policy " << name;
  return {};
}

TEST(DeclaredPolicies, AChangeDecidesAtThePolicysNextTurn) {
  TrialWorld flown;
  flown.live(1.0, 20);
  ASSERT_EQ(flown.world.status().desired, 5);
  ASSERT_TRUE(
      flown.pilot->set_policies({tried("roomy", "static=6", false), tried("tight", "static=2", true)}));
  flown.live(1.0, 12);
  EXPECT_EQ(flown.world.status().desired, 6);
}

TEST(DeclaredPolicies, OneThatStaysOfItsKindKeepsWhatItLearned) {
  TrialWorld flown;
  flown.open({tried("look", "lookout=0.999", false)});
  flown.live(1.0, 60);
  ASSERT_TRUE(
      flown.pilot->set_policies({tried("look", "lookout=0.95", false), tried("new", "hpa=0.5", true)}));
  const std::string before = learned(flown.world);
  ASSERT_THAT(before, HasSubstr("lookout/5 "));
  ASSERT_TRUE(flown.pilot->set_policies({tried("look", "lookout=0.9", false)}));
  EXPECT_EQ(learned(flown.world), before) << "written anew from the policy that took over";
}

TEST(DeclaredPolicies, ANewOneHasSeenWhatThePoolsOthersSaw) {
  TrialWorld flown;
  flown.open({});
  flown.live(1.0, 60);
  ASSERT_TRUE(flown.pilot->set_policies({tried("late", "target_tracking=0.25", false)}));
  EXPECT_EQ(status_of(flown, "late").want, 4) << "one node's work at a quarter each, before its first look";
}

TEST(DeclaredPolicies, AnotherKindBeginsWithNothingLearned) {
  TrialWorld flown;
  flown.open({tried("look", "lookout", false)});
  flown.live(1.0, 60);
  ASSERT_TRUE(flown.pilot->set_policies({tried("look", "hpa=0.5", false)}));
  EXPECT_EQ(learned(flown.world), "");
}

TEST(DeclaredPolicies, OnlyTheTrialOfTheOneThatChangedBeginsAnew) {
  TrialWorld flown;
  flown.live(3.0, 60);
  ASSERT_TRUE(
      flown.pilot->set_policies({tried("roomy", "static=5", false), tried("tight", "static=3", true)}));
  EXPECT_FALSE(status_of(flown, "tight").trial);
  flown.live(3.0, 5);
  EXPECT_EQ(status_of(flown, "tight").trial->day.looks, 5);
  EXPECT_EQ(status_of(flown, "roomy").trial->day.looks, 65);
  EXPECT_EQ(flown.pilot->seats()[0].as_it_was->day.looks, 65);
  ASSERT_TRUE(
      flown.pilot->set_policies({tried("roomy", "static=5", true), tried("tight", "static=3", false)}));
  EXPECT_EQ(status_of(flown, "tight").trial->day.looks, 5) << "being heard changes no trial";
}

TEST(DeclaredPolicies, OneThatIsDeletedIsForgotten) {
  TrialWorld flown;
  flown.open({tried("look", "lookout", false)});
  flown.live(1.0, 60);
  ASSERT_TRUE(flown.pilot->set_policies({}));
  EXPECT_EQ(learned(flown.world), "");
  EXPECT_EQ(stored(flown.world, "SELECT hours FROM policy_trial WHERE owner = 'look'"), "");
  flown.live(1.0, 2);
  ASSERT_TRUE(flown.pilot->set_policies({tried("look", "lookout", false)}));
  EXPECT_FALSE(status_of(flown, "look").trial) << "one made later under its name is another";
}

TEST(DeclaredPolicies, WhatAStartNoLongerFindsIsKept) {
  TrialWorld flown;
  flown.open({tried("look", "lookout", false)});
  flown.live(1.0, 60);
  flown.pilot->start();
  flown.pilot->stop();
  const std::string before = learned(flown.world);
  flown.open({});
  EXPECT_EQ(learned(flown.world), before);
}

TEST(DeclaredPolicies, AValueOfTheFormerFormulaIsNotTakenForTheNewOnes) {
  TrialWorld flown;
  flown.open({stepping("avg(Q, 1m)")});
  flown.value_of = [&](const policy::Formula& formula) -> Result<std::optional<double>> {
    // Somebody changes the policy while the query of its former formula is answered.
    if (formula.value == "avg(Q, 1m)") {
      EXPECT_TRUE(flown.pilot->set_policies({stepping("avg(Q, 2m)")}));
    }
    return formula.value == "avg(Q, 1m)" ? std::optional(99.0) : std::nullopt;
  };
  flown.live(0.2, 3);
  EXPECT_EQ(flown.world.status().desired, 2);
  flown.value_of = [](const policy::Formula&) { return std::optional(99.0); };
  flown.live(0.2, 2);
  EXPECT_GE(flown.world.status().desired, 4);
}

TEST(DeclaredPolicies, WhyAValueIsUnknownIsToldUntilItIsKnown) {
  TrialWorld flown;
  flown.open({stepping("avg(Q, 1m)")});
  flown.value_of = [](const policy::Formula&) -> Result<std::optional<double>> {
    return fail(Errc::kInvalidArgument, "value has 2 series");
  };
  flown.live(1.0, 1);
  EXPECT_EQ(status_of(flown, "steps").reason, "its value is unknown: value has 2 series");
  flown.value_of = [](const policy::Formula&) { return std::optional(5.0); };
  flown.live(1.0, 1);
  EXPECT_THAT(status_of(flown, "steps").reason, StartsWith("value 5, no step holds"));
}

TEST(DeclaredPolicies, EveryLookAroundAChangeReplays) {
  TrialWorld flown;
  flown.open({tried("look", "lookout", false)});
  flown.live(1.0, 40);
  ASSERT_TRUE(
      flown.pilot->set_policies({tried("look", "lookout=0.95", false), tried("more", "hpa=0.5", true)}));
  flown.live(2.0, 40);
  ASSERT_TRUE(flown.pilot->set_policies({tried("more", "hpa=0.5", false)}));
  flown.live(1.0, 20);
  const auto journal = *DecisionJournal::open(*flown.world.database);
  const auto report = replay(*journal, "gpu", {WallTime::min(), WallTime::max()});
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->identical());
  EXPECT_EQ(report->looks, 100);
}

TEST(DeclaredPolicies, APromotionOutlivesAChangeOfSettings) {
  TrialWorld flown;
  flown.live(1.0, 20);
  ASSERT_TRUE(flown.promote("tight"));
  const Specs edited{tried("roomy", "static=6", false), tried("tight", "static=3", true),
                     tried("third", "hpa", true)};
  EXPECT_EQ(flown.pilot->keeps_from_change(edited), std::nullopt);
  ASSERT_TRUE(flown.pilot->set_policies(edited));
  EXPECT_THAT(flown.heard(), ElementsAre("tight"));
  flown.live(1.0, 60);
  EXPECT_EQ(flown.world.status().desired, 3);
  ASSERT_TRUE(flown.pilot->roll_back("gpu", "bob"));
  EXPECT_THAT(flown.heard(), ElementsAre("roomy"));
}

TEST(DeclaredPolicies, HarmOfThePromotedOneIsJudgedAnewOnceItIsChanged) {
  TrialWorld flown;
  flown.live(1.0, 40);
  ASSERT_TRUE(flown.promote("tight"));
  flown.live(1.0, 60);
  flown.live(3.0, 8);
  ASSERT_THAT(flown.heard(), ElementsAre("tight"));
  ASSERT_TRUE(
      flown.pilot->set_policies({tried("roomy", "static=5", false), tried("tight", "static=3", true)}));
  flown.live(3.0, kHarmLooks - 1);
  EXPECT_THAT(flown.heard(), ElementsAre("tight"));
  flown.live(3.0, 1);
  EXPECT_THAT(flown.heard(), ElementsAre("roomy")) << "its own looks are as many as are judged";
}

TEST(DeclaredPolicies, WhatAPromotionNamesDoesNotGo) {
  TrialWorld flown;
  flown.live(1.0, 5);
  ASSERT_TRUE(flown.promote("tight"));
  const auto refused = [&](const Specs& next) { return flown.pilot->keeps_from_change(next).value_or(""); };
  EXPECT_THAT(refused({tried("roomy", "static=5", false)}),
              HasSubstr("pool gpu hears tight, which is promoted"));
  EXPECT_THAT(refused({tried("tight", "static=2", true)}), HasSubstr("policy rollback gpu"))
      << "to go back to";
  policy::PolicySpec moved = tried("tight", "static=2", true);
  moved.pool = "other";
  EXPECT_THAT(refused({tried("roomy", "static=5", false), moved}), HasSubstr("declare tight heard"));
  Specs more = roomy_and_tight();
  more.push_back(tried("third", "hpa", false));
  EXPECT_THAT(refused(more), HasSubstr("promoted")) << "roomy would be heard again with it";
  more.back().shadow = true;
  EXPECT_EQ(refused(more), "");
}

TEST(DeclaredPolicies, WhoDeclaresThePromotedOneHeardSettlesThePromotion) {
  TrialWorld flown;
  flown.live(1.0, 5);
  ASSERT_TRUE(flown.promote("tight"));
  const Specs both{tried("roomy", "static=5", false), tried("tight", "static=2", false)};
  EXPECT_EQ(flown.pilot->keeps_from_change(both), std::nullopt);
  ASSERT_TRUE(flown.pilot->set_policies(both));
  EXPECT_THAT(flown.heard(), ElementsAre("roomy", "tight"));
  EXPECT_THAT(flown.world.entries("policy.promotion_ended"), SizeIs(1));
  EXPECT_EQ(flown.pilot->keeps_from_change({tried("tight", "static=2", false)}), std::nullopt);
}

TEST(DeclaredPolicies, AfterARollBackToWhatIsDeclaredNothingIsHeldFast) {
  TrialWorld flown;
  flown.live(1.0, 5);
  ASSERT_TRUE(flown.promote("tight"));
  ASSERT_TRUE(flown.pilot->roll_back("gpu", "bob"));
  const Specs alone{tried("roomy", "static=5", false)};
  EXPECT_EQ(flown.pilot->keeps_from_change(alone), std::nullopt);
  ASSERT_TRUE(flown.pilot->set_policies(alone));
  EXPECT_THAT(flown.heard(), ElementsAre("roomy"));
  EXPECT_FALSE(flown.pilot->seats()[0].promotion);
}

TEST(DeclaredPolicies, OneThatAnEarlierPromotionLetsBeHeardDoesNotGoEither) {
  TrialWorld flown;
  Specs three = roomy_and_tight();
  three.push_back(tried("third", "static=3", true));
  ASSERT_TRUE(flown.pilot->set_policies(three));
  ASSERT_TRUE(flown.promote("tight"));
  ASSERT_TRUE(flown.promote("third"));
  ASSERT_TRUE(flown.pilot->roll_back("gpu", "bob"));
  ASSERT_THAT(flown.heard(), ElementsAre("tight"));
  EXPECT_THAT(flown.pilot->keeps_from_change({three[0], three[1]}).value_or(""),
              HasSubstr("pool gpu hears tight since third was rolled back"))
      << "without third's roll-back roomy would be heard";
}

TEST(DeclaredPolicies, OfSeveralDeclaredHeardThePromotedOneAloneMayStay) {
  TrialWorld flown;
  Specs both = roomy_and_tight();
  both[1].shadow = false;
  ASSERT_TRUE(flown.pilot->set_policies(both));
  ASSERT_TRUE(flown.promote("tight"));
  Specs more = both;
  more.push_back(tried("third", "hpa", false));
  EXPECT_TRUE(flown.pilot->keeps_from_change(more)) << "roomy would be heard again";
  both[0].shadow = true;
  EXPECT_EQ(flown.pilot->keeps_from_change(both), std::nullopt);
}

TEST(DeclaredPolicies, APoolThatIsGoneLeavesNothingToOneOfItsName) {
  TrialWorld flown;
  flown.open({});
  flown.live(1.0, 60);
  ASSERT_THAT(flown.pilot->seats(), SizeIs(1));
  ASSERT_TRUE(flown.world.controller->configure({}, {}));
  flown.pilot->tick(flown.world.clock.wall());
  EXPECT_THAT(flown.pilot->seats(), IsEmpty());
}

}  // namespace
}  // namespace gpuscale::scaling
