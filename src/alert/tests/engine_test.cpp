// SPDX-License-Identifier: Apache-2.0
#include "alert/engine.h"

#include <gmock/gmock.h>

#include <condition_variable>

#include "alert/testing/engine_fixture.h"
#include "base/system_clock.h"

namespace gpuscale::alert {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

RuleSpec high(std::string name = "high") {
  RuleSpec spec = testing::mean_over_45(std::move(name), "scale_out");
  spec.repeat = 30s;
  return spec;
}

class EngineTest : public testing::EngineFixture {
 protected:
  /// What was to be sent; the rest only holds or frees what waits.
  std::vector<Notification> to_send() const {
    std::vector<Notification> out;
    std::copy_if(told_.begin(), told_.end(), std::back_inserter(out),
                 [](const Notification& told) { return !told.channels.empty(); });
    return out;
  }
  std::vector<std::string> kinds() const {
    std::vector<std::string> out;
    const auto entries = *ledger_->query({});
    for (const auto& entry : entries) out.push_back(entry.kind);
    return out;
  }
};

TEST_F(EngineTest, TellsWhatItSawAndWritesItDown) {
  set({high()});
  source_.answer(61.25);
  tick();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].state, State::kFiring);
  EXPECT_EQ(told_[0].title, "[Alerting] high");
  EXPECT_EQ(told_[0].text, "avg(C, 1m) = 61.25 > 45");
  EXPECT_EQ(told_[0].channels, std::vector<std::string>{"scale_out"});
  EXPECT_EQ(told_[0].newest_sample, clock_.wall() - 300ms);
  const auto entries = *ledger_->query({});
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].kind, "rule.firing");
  EXPECT_EQ(entries[0].correlation, told_[0].correlation);
  EXPECT_THAT(entries[0].summary, HasSubstr("high fires: avg(C, 1m) = 61.25 > 45"));
  EXPECT_EQ(engine_->status().at(0).state, State::kFiring);
}

TEST_F(EngineTest, SaysWhyAQueryFoundNothingAsLongAsItDoes) {
  RuleSpec spec = high();
  spec.no_data = Absence::kAlert;
  set({spec});
  source_.answer_nothing();
  source_.explain_nothing("nothing was ever written to measurement \"gpus\"");
  tick();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].state, State::kNoData);
  EXPECT_THAT(told_[0].text, StartsWith("avg(C, 1m): no data (C: nothing was ever written to measurement "
                                        "\"gpus\" in: SELECT"));
  source_.explain_nothing("");
  tick(5s);
  EXPECT_THAT(engine_->status().at(0).explanation, HasSubstr("(C: nothing")) << "looked up 5 s ago";
  tick(5s);
  EXPECT_EQ(engine_->status().at(0).explanation, "avg(C, 1m): no data");
  source_.explain_nothing("it was lost");
  source_.answer(61.25);
  tick(5s);
  EXPECT_EQ(engine_->status().at(0).explanation, "avg(C, 1m) = 61.25 > 45");
  source_.answer_nothing();
  tick(5s);
  EXPECT_THAT(engine_->status().at(0).explanation, HasSubstr("(C: it was lost in: "))
      << "what was looked up before there was data is not said again";
}

TEST_F(EngineTest, AsksForTheWindowOfTheConditionOnceForTermsAlike) {
  RuleSpec spec = high();
  spec.condition = "avg(C, 1m, 5s) > 45 and max(C, 1m, 5s) > 90 and last(C, 10s) > 0";
  set({spec});
  tick();
  const auto asked = source_.asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].to, clock_.wall() - 5s);
  EXPECT_EQ(asked[0].from, clock_.wall() - 65s);
  EXPECT_EQ(asked[1].from, clock_.wall() - 10s);
}

TEST_F(EngineTest, LooksOnlyWhenARuleIsDue) {
  set({high()});
  tick(0s);
  tick(4s);
  EXPECT_EQ(source_.asked().size(), 1U);
  tick(1s);
  EXPECT_EQ(source_.asked().size(), 2U);
  tick(60s);
  EXPECT_EQ(source_.asked().size(), 3U) << "missed turns are not made up for";
}

TEST_F(EngineTest, ARestartNeitherFiresTwiceNorResolves) {
  set({high()});
  source_.answer(61);
  tick();
  reopen();
  set({high()});
  EXPECT_EQ(engine_->status().at(0).state, State::kFiring);
  tick(1s);
  EXPECT_EQ(to_send().size(), 1U);
  tick(30s);
  const auto sent = to_send();
  ASSERT_EQ(sent.size(), 2U) << "the repeat is still due";
  EXPECT_EQ(sent[1].sequence, sent[0].sequence + 1);
  EXPECT_EQ(sent[1].correlation, sent[0].correlation);
}

TEST_F(EngineTest, WhatTheSinkDidNotTakeIsHandedOverAgainAlsoAfterARestart) {
  set({high()});
  source_.answer(61);
  sink_fails_ = true;
  tick();
  tick();
  EXPECT_TRUE(told_.empty());
  reopen();
  set({high()});
  sink_fails_ = false;
  tick();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].sequence, 1U);
  tick();
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(EngineTest, APresentTruthReplacesWhatIsStillOwed) {
  set({high()});
  source_.answer(61);
  sink_fails_ = true;
  tick();
  source_.answer(10);
  tick();
  sink_fails_ = false;
  tick();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].state, State::kInactive);
}

TEST_F(EngineTest, NoDataAndErrorsActOnNothing) {
  RuleSpec low = high("low");
  low.condition = "avg(C, 1m) < 28";
  set({low});
  source_.answer_nothing();
  tick();
  EXPECT_EQ(engine_->status().at(0).state, State::kNoData);
  source_.answer_error(fail(Errc::kTimeout, "took longer than 10s"));
  tick();
  EXPECT_EQ(engine_->status().at(0).state, State::kError);
  EXPECT_THAT(engine_->status().at(0).last_error, HasSubstr("took longer than 10s"));
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(kinds(), (std::vector<std::string>{"rule.no_data", "rule.error"}));
}

TEST_F(EngineTest, AFiringRuleThatGoesBlindAsksForWhatWaitsToBeHeld) {
  set({high()});
  source_.answer(61);
  tick();
  source_.answer_nothing();
  tick();
  tick();
  source_.answer(61);
  tick();
  ASSERT_EQ(told_.size(), 3U);
  for (const bool held : {true, false}) {
    const Notification& word = told_[held ? 1 : 2];
    EXPECT_EQ(word.state, State::kFiring);
    EXPECT_EQ(word.held, held);
    EXPECT_TRUE(word.channels.empty());
    EXPECT_EQ(word.sequence, 1U);
  }
}

TEST_F(EngineTest, ARemovedRuleCallsOffWhatStillWaits) {
  set({high()});
  source_.answer(61);
  tick();
  set({});
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[1].state, State::kPaused);
  EXPECT_TRUE(told_[1].channels.empty());
  set({high()});
  EXPECT_EQ(engine_->status().at(0).state, State::kInactive);
}

TEST_F(EngineTest, APausedRuleIsNotLookedAtAndCallsOffWhatStillWaits) {
  set({high()});
  source_.answer(61);
  tick();
  RuleSpec paused = high();
  paused.paused = true;
  set({paused});
  EXPECT_EQ(engine_->status().at(0).state, State::kPaused);
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[1].state, State::kPaused);
  tick();
  EXPECT_EQ(source_.asked().size(), 1U);
  set({high()});
  tick();
  EXPECT_EQ(told_.back().state, State::kFiring);
}

TEST_F(EngineTest, APendingRuleStartsItsForAnewAfterARestart) {
  RuleSpec spec = high();
  spec.hold_for = 20s;
  set({spec});
  source_.answer(61);
  tick();
  EXPECT_EQ(engine_->status().at(0).state, State::kPending);
  reopen();
  set({spec});
  tick(60s);
  EXPECT_TRUE(told_.empty()) << "nobody saw it hold while the server was down";
  tick(20s);
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(EngineTest, ThreadsLookByThemselvesAndStop) {
  const base::SystemClock clock;
  std::mutex mutex;
  std::condition_variable changed;
  int told = 0;
  auto engine = *Engine::open(*database_, *ledger_, source_, clock, log::Log::silent(),
                              [&](const Notification&) -> Result<void> {
                                const std::scoped_lock lock(mutex);
                                ++told;
                                changed.notify_all();
                                return {};
                              });
  std::vector<RuleSpec> rules;
  for (int i = 0; i < 20; ++i) rules.push_back(high("rule " + std::to_string(i)));
  source_.answer(61);
  ASSERT_TRUE(engine->set_rules(rules));
  engine->start();
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return told == 20; })) << told;
  }
  engine->stop();
  engine->stop();
}

TEST_F(EngineTest, AfterARestartWhatWaitsIsHeldUntilTheRuleHasLooked) {
  set({high()});
  source_.answer(61);
  tick();
  told_.clear();
  reopen();
  set({high()});
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_[0].held);
  EXPECT_TRUE(told_[0].channels.empty());
  tick();
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_FALSE(told_[1].held) << "it still holds, so what waits may go";
}

TEST_F(EngineTest, APausedRuleStillHandsOverWhatItOwes) {
  set({high()});
  source_.answer(61);
  tick();
  told_.clear();
  sink_fails_ = true;
  RuleSpec paused = high();
  paused.paused = true;
  set({paused});
  tick();
  EXPECT_TRUE(told_.empty());
  sink_fails_ = false;
  tick();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].state, State::kPaused);
  tick();
  EXPECT_EQ(told_.size(), 1U);
}

}  // namespace
}  // namespace gpuscale::alert
