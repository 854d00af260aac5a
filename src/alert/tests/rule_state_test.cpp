// SPDX-License-Identifier: Apache-2.0
#include "alert/rule_state.h"

#include <gtest/gtest.h>

namespace gpuscale::alert {
namespace {

using namespace std::chrono_literals;

WallTime at(std::int64_t second) {
  return base::from_unix_nanos(second * 1'000'000'000);
}

/// A rule that lives through evaluations.
class Life {
 public:
  explicit Life(RuleSpec spec) : spec_(std::move(spec)) {}

  /// "state told ledger", with "told" where a notification is due.
  std::string look(Outcome outcome, std::int64_t second) { return look(Look{outcome}, second); }
  std::string look(const Look& look, std::int64_t second) {
    const Step step = advance(spec_, state, look, at(second), "c-" + std::to_string(second));
    state = step.next;
    std::string out(to_string(state.state));
    if (step.tell) out += " told";
    if (!step.ledger.empty()) out += " " + step.ledger;
    return out;
  }

  RuleState state;

 private:
  RuleSpec spec_;
};

RuleSpec spec(Nanos hold_for, Nanos repeat, Absence no_data = Absence::kKeep,
              Absence on_error = Absence::kKeep) {
  RuleSpec out;
  out.hold_for = hold_for;
  out.repeat = repeat;
  out.no_data = no_data;
  out.on_error = on_error;
  return out;
}

TEST(Advance, FiresAtOnceWithoutForAndIsContentAgain) {
  Life rule(spec(0s, 0s));
  EXPECT_EQ(rule.look(Outcome::kFalse, 1), "inactive");
  EXPECT_EQ(rule.look(Outcome::kTrue, 2), "firing told rule.firing");
  EXPECT_EQ(rule.look(Outcome::kTrue, 3), "firing");
  EXPECT_EQ(rule.state.correlation, "c-2");
  EXPECT_EQ(rule.look(Outcome::kFalse, 4), "inactive told rule.ok");
  EXPECT_EQ(rule.state.correlation, "c-2") << "the end belongs to the episode";
  EXPECT_EQ(rule.look(Outcome::kTrue, 5), "firing told rule.firing");
  EXPECT_EQ(rule.state.correlation, "c-5") << "a new episode";
  EXPECT_EQ(rule.state.sequence, 3U);
}

TEST(Advance, RepeatsWhileItHolds) {
  Life rule(spec(0s, 4s));
  EXPECT_EQ(rule.look(Outcome::kTrue, 1), "firing told rule.firing");
  EXPECT_EQ(rule.look(Outcome::kTrue, 4), "firing");
  EXPECT_EQ(rule.look(Outcome::kTrue, 5), "firing told");
  EXPECT_EQ(rule.look(Outcome::kTrue, 8), "firing");
  EXPECT_EQ(rule.look(Outcome::kTrue, 12), "firing told") << "a late turn repeats once, not twice";
  EXPECT_EQ(rule.state.sequence, 3U);
}

TEST(Advance, ForMustHoldWithoutInterruption) {
  Life rule(spec(5s, 0s));
  EXPECT_EQ(rule.look(Outcome::kTrue, 1), "pending rule.pending");
  EXPECT_EQ(rule.look(Outcome::kTrue, 5), "pending");
  EXPECT_EQ(rule.look(Outcome::kFalse, 6), "inactive") << "nobody was told, so nobody is told";
  EXPECT_EQ(rule.look(Outcome::kTrue, 7), "pending rule.pending");
  EXPECT_EQ(rule.look(Outcome::kTrue, 11), "pending");
  EXPECT_EQ(rule.look(Outcome::kTrue, 12), "firing told rule.firing");
  EXPECT_EQ(rule.state.correlation, "c-7") << "one episode from the first look on";
}

TEST(Advance, BlindnessStartsForAnew) {
  for (const Outcome blind : {Outcome::kAbsent, Outcome::kError}) {
    Life rule(spec(5s, 0s));
    rule.look(Outcome::kTrue, 1);
    rule.look(blind, 3);
    EXPECT_EQ(shown_state(rule.state), blind == Outcome::kAbsent ? State::kNoData : State::kError);
    EXPECT_EQ(rule.look(Outcome::kTrue, 100), "pending rule.pending");
    EXPECT_EQ(rule.look(Outcome::kTrue, 105), "firing told rule.firing");
  }
}

TEST(Advance, AFiringRuleThatGoesBlindKeepsItsStateAndActsNoMore) {
  Life rule(spec(0s, 4s));
  rule.look(Outcome::kTrue, 1);
  EXPECT_EQ(rule.look(Outcome::kAbsent, 6), "firing rule.no_data");
  EXPECT_EQ(rule.look(Outcome::kAbsent, 60), "firing") << "neither repeated nor written again";
  EXPECT_EQ(rule.look(Outcome::kError, 61), "firing rule.error");
  EXPECT_EQ(rule.look(Outcome::kTrue, 62), "firing told rule.sees_again");
  EXPECT_EQ(rule.look(Outcome::kFalse, 63), "inactive told rule.ok");
}

TEST(Advance, NoDataIsToldAsNoDataNeverAsFiring) {
  Life rule(spec(0s, 10s, Absence::kAlert, Absence::kAlert));
  EXPECT_EQ(rule.look(Outcome::kAbsent, 1), "no_data told rule.no_data");
  EXPECT_EQ(rule.look(Outcome::kAbsent, 5), "no_data");
  EXPECT_EQ(rule.look(Outcome::kAbsent, 11), "no_data told");
  EXPECT_EQ(rule.look(Outcome::kError, 12), "error told rule.error");
  EXPECT_EQ(rule.look(Outcome::kFalse, 13), "inactive told rule.ok");
}

TEST(Advance, NoDataThatWasToldIsTakenBackBeforeForBegins) {
  Life rule(spec(60s, 0s, Absence::kAlert));
  EXPECT_EQ(rule.look(Outcome::kAbsent, 1), "no_data told rule.no_data");
  EXPECT_EQ(rule.look(Outcome::kTrue, 2), "inactive told rule.ok");
  EXPECT_EQ(rule.look(Outcome::kTrue, 3), "pending rule.pending");
  EXPECT_EQ(rule.look(Outcome::kFalse, 4), "inactive");
}

TEST(Advance, NoDataTakenAsOkEndsTheEpisode) {
  Life rule(spec(0s, 0s, Absence::kOk));
  rule.look(Outcome::kTrue, 1);
  EXPECT_EQ(rule.look(Outcome::kAbsent, 2), "inactive told rule.ok");
  EXPECT_EQ(rule.look(Outcome::kAbsent, 3), "inactive");
}

TEST(Advance, AClockSetBackDoesNotHoldTheRuleBack) {
  Life pending(spec(5s, 0s));
  pending.look(Outcome::kTrue, 1'000);
  EXPECT_EQ(pending.look(Outcome::kTrue, 10), "pending");
  EXPECT_EQ(pending.look(Outcome::kTrue, 15), "firing told rule.firing");
  Life firing(spec(0s, 5s));
  firing.look(Outcome::kTrue, 1'000);
  EXPECT_EQ(firing.look(Outcome::kTrue, 10), "firing told");
}

TEST(Advance, AResumedRuleBeginsCalm) {
  Life rule(spec(0s, 0s));
  rule.state.state = State::kPaused;
  EXPECT_EQ(rule.look(Outcome::kFalse, 1), "inactive");
  rule.state.state = State::kPaused;
  EXPECT_EQ(rule.look(Outcome::kTrue, 2), "firing told rule.firing");
}

TEST(Advance, KeepsFiringUntilItHasBeenCalmForLongEnough) {
  RuleSpec lingering = spec(0s, 2s);
  lingering.keep_firing_for = 5s;
  Life rule(lingering);
  EXPECT_EQ(rule.look(Outcome::kTrue, 1), "firing told rule.firing");
  EXPECT_EQ(rule.look(Outcome::kFalse, 2), "recovering rule.recovering");
  EXPECT_TRUE(is_held(rule.state)) << "what waits must not act while the load is gone";
  EXPECT_EQ(rule.look(Outcome::kFalse, 6), "recovering") << "and repeats nothing";
  EXPECT_EQ(rule.look(Outcome::kTrue, 6), "firing told rule.fires_again");
  EXPECT_EQ(rule.state.correlation, "c-1") << "the same episode";
  EXPECT_EQ(rule.look(Outcome::kFalse, 7), "recovering rule.recovering");
  EXPECT_EQ(rule.look(Outcome::kAbsent, 11), "recovering rule.no_data") << "silence is no calm";
  EXPECT_EQ(rule.look(Outcome::kFalse, 13), "recovering rule.sees_again");
  EXPECT_EQ(rule.look(Outcome::kFalse, 16), "inactive told rule.ok");
}

TEST(Advance, BetweenTwoThresholdsNothingChanges) {
  RuleSpec hysteresis = spec(0s, 0s);
  hysteresis.recover = "avg(C, 1m) < 30";
  Life rule(hysteresis);
  EXPECT_EQ(rule.look({Outcome::kFalse, Outcome::kFalse}, 1), "inactive") << "on the way up";
  EXPECT_EQ(rule.look({Outcome::kTrue, Outcome::kFalse}, 2), "firing told rule.firing");
  EXPECT_EQ(rule.look({Outcome::kFalse, Outcome::kFalse}, 3), "firing") << "on the way down";
  EXPECT_EQ(rule.look({Outcome::kFalse, Outcome::kAbsent}, 4), "firing") << "nobody can tell";
  EXPECT_EQ(rule.look({Outcome::kFalse, Outcome::kTrue}, 5), "inactive told rule.ok");
}

TEST(Advance, AMutedRuleTellsLaterWhatStillHolds) {
  Life rule(spec(0s, 0s));
  const Look muted_true{Outcome::kTrue, Outcome::kAbsent, true};
  EXPECT_EQ(rule.look(muted_true, 1), "firing rule.firing");
  EXPECT_TRUE(is_held(rule.state));
  EXPECT_EQ(rule.look(muted_true, 2), "firing");
  EXPECT_EQ(rule.look(Outcome::kTrue, 3), "firing told") << "level, not edge";
  EXPECT_EQ(rule.look(Outcome::kTrue, 4), "firing");
}

TEST(Advance, AMutedRuleThatWasNeverToldEndsUntold) {
  Life rule(spec(0s, 0s));
  rule.look({Outcome::kTrue, Outcome::kAbsent, true}, 1);
  EXPECT_EQ(rule.look({Outcome::kFalse, Outcome::kAbsent, true}, 2), "inactive rule.ok");
  EXPECT_EQ(rule.state.sequence, 0U);
}

TEST(Advance, TheEndOfWhatWasToldIsToldAlsoWhenMuted) {
  Life rule(spec(0s, 1s));
  rule.look(Outcome::kTrue, 1);
  EXPECT_EQ(rule.look({Outcome::kTrue, Outcome::kAbsent, true}, 5), "firing") << "no repeat";
  EXPECT_EQ(rule.look({Outcome::kFalse, Outcome::kAbsent, true}, 6), "inactive told rule.ok");
}

TEST(Advance, ProfileGrafana44TellsChangesAlone) {
  RuleSpec old = spec(0s, 0s, Absence::kNoData, Absence::kAlert);
  old.profile = Profile::kGrafana44;
  Life rule(old);
  EXPECT_EQ(rule.look(Outcome::kFalse, 1), "inactive");
  EXPECT_EQ(rule.look(Outcome::kTrue, 2), "firing told rule.firing");
  EXPECT_EQ(rule.look(Outcome::kTrue, 3), "firing");
  EXPECT_EQ(rule.look(Outcome::kError, 4), "firing") << "alerting already";
  EXPECT_EQ(rule.look(Outcome::kAbsent, 5), "no_data told rule.no_data") << "a series that vanished";
  EXPECT_EQ(rule.look(Outcome::kError, 6), "firing told rule.firing") << "an error is an alert";
  EXPECT_EQ(rule.look(Outcome::kFalse, 7), "inactive told rule.ok");
}

TEST(IsDue, EveryBeatAndAfterAClockSetBack) {
  EXPECT_TRUE(is_due(std::nullopt, 5s, at(10)));
  EXPECT_FALSE(is_due(at(10), 5s, at(14)));
  EXPECT_TRUE(is_due(at(10), 5s, at(15)));
  EXPECT_TRUE(is_due(at(10), 5s, at(9)));
}

}  // namespace
}  // namespace gpuscale::alert
