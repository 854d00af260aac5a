// SPDX-License-Identifier: Apache-2.0
// Rules that are edited while the engine runs.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "alert/testing/engine_fixture.h"
#include "base/system_clock.h"

namespace gpuscale::alert {
namespace {

using namespace std::chrono_literals;

RuleSpec edited_rule(std::string name) {
  return testing::mean_over_45(std::move(name), "people");
}

class EngineEditTest : public testing::EngineFixture {
 protected:
  State state_of(const std::string& name) const {
    for (const RuleStatus& rule : engine_->status()) {
      if (rule.spec.name == name) return rule.state;
    }
    return State::kPaused;
  }
  /// Also what holds or calls off.
  std::vector<std::string> told_of(const std::string& name) const {
    std::vector<std::string> out;
    for (const Notification& each : told_) {
      if (each.rule == name) out.push_back(std::string(to_string(each.state)) + (each.held ? " held" : ""));
    }
    return out;
  }
  const Notification& last_told(const std::string& name) const {
    return *std::find_if(told_.rbegin(), told_.rend(),
                         [&](const Notification& each) { return each.rule == name; });
  }
};

TEST_F(EngineEditTest, AFiringRuleKnowsNothingOfTheEditOfAnother) {
  set({edited_rule("a"), edited_rule("b")});
  source_.answer(60);
  tick();
  ASSERT_EQ(state_of("a"), State::kFiring);
  RuleSpec b = edited_rule("b");
  b.condition = "avg(C, 1m) > 90";
  set({edited_rule("a"), b, edited_rule("c")});
  EXPECT_EQ(state_of("a"), State::kFiring);
  tick();
  EXPECT_EQ(state_of("a"), State::kFiring);
  EXPECT_EQ(told_of("a"), std::vector<std::string>{"firing"});
  EXPECT_EQ(state_of("b"), State::kInactive);
  EXPECT_EQ(state_of("c"), State::kFiring);
}

TEST_F(EngineEditTest, APendingRuleWaitsOnWhileAnotherIsEdited) {
  RuleSpec a = edited_rule("a");
  a.hold_for = 30s;
  set({a});
  source_.answer(60);
  tick();
  ASSERT_EQ(state_of("a"), State::kPending);
  for (int i = 0; i < 6; ++i) {
    set({a, edited_rule("b" + std::to_string(i))});
    tick();
  }
  EXPECT_EQ(state_of("a"), State::kFiring);
}

TEST_F(EngineEditTest, AnUntouchedRuleKeepsItsTurn) {
  set({edited_rule("a")});
  tick();
  const std::size_t before = source_.asked().size();
  clock_.advance(1s);
  set({edited_rule("a"), edited_rule("b")});
  engine_->tick(clock_.wall());
  EXPECT_EQ(source_.asked().size(), before + 1) << "b alone is new";
}

TEST_F(EngineEditTest, TheSameConditionToldOtherwiseKeepsItsState) {
  RuleSpec a = edited_rule("a");
  a.hold_for = 30s;
  set({a});
  source_.answer(60);
  tick();
  tick();
  a.notify = {"people", "more"};
  a.annotations = {{"summary", "new words"}};
  a.hold_for = 15s;
  set({a});
  EXPECT_EQ(state_of("a"), State::kPending);
  tick();
  tick();
  ASSERT_EQ(state_of("a"), State::kFiring);
  EXPECT_EQ(told_.back().channels.size(), 2U);
  EXPECT_EQ(told_.back().annotations.at("summary"), "new words");
}

TEST_F(EngineEditTest, AFiringRuleWithAnotherConditionIsHeldUntilItHasLooked) {
  set({edited_rule("a")});
  source_.answer(60);
  tick();
  RuleSpec a = edited_rule("a");
  a.condition = "avg(C, 1m) > 50";
  set({a});
  EXPECT_EQ(told_of("a"), (std::vector<std::string>{"firing", "firing held"}));
  tick(0s);
  EXPECT_EQ(state_of("a"), State::kFiring);
  EXPECT_EQ(told_of("a").back(), "firing");
  a.condition = "avg(C, 1m) > 90";
  set({a});
  tick(0s);
  EXPECT_EQ(state_of("a"), State::kInactive);
  EXPECT_EQ(told_of("a").back(), "inactive");
}

TEST_F(EngineEditTest, APausedRuleTakesItsMessagesBackAndGoesOnLater) {
  RuleSpec a = edited_rule("a");
  set({a});
  source_.answer(60);
  tick();
  a.paused = true;
  set({a});
  EXPECT_EQ(state_of("a"), State::kPaused);
  EXPECT_EQ(told_of("a").back(), "paused");
  a.paused = false;
  set({a});
  tick();
  EXPECT_EQ(state_of("a"), State::kFiring);
  EXPECT_EQ(told_of("a").back(), "firing");
}

TEST_F(EngineEditTest, ADeletedRuleIsForgotten) {
  set({edited_rule("a"), edited_rule("b")});
  source_.answer(60);
  tick();
  const std::uint64_t fired = last_told("a").sequence;
  set({edited_rule("b")});
  EXPECT_EQ(engine_->status().size(), 1U);
  EXPECT_EQ(told_of("a").back(), "paused");
  // The outbox keeps a waiting message of the same number: it is taken for this one.
  EXPECT_GT(last_told("a").sequence, fired);
  set({edited_rule("a"), edited_rule("b")});
  EXPECT_EQ(state_of("a"), State::kInactive);
}

TEST_F(EngineEditTest, EditsUnderwayDisturbNobody) {
  const base::SystemClock clock;
  std::atomic<int> fired{0};
  testing::FakeSource source;
  source.answer(60);
  const auto engine = *Engine::open(*database_, *ledger_, source, clock, log::Log::silent(),
                                    [&](const Notification& told) -> Result<void> {
                                      if (told.rule == "steady" && told.state == State::kFiring && !told.held)
                                        ++fired;
                                      return {};
                                    });
  RuleSpec steady = edited_rule("steady");
  steady.every = 500ms;
  ASSERT_TRUE(engine->set_rules({steady}));
  engine->start();
  for (int i = 0; i < 50; ++i) {
    RuleSpec other = edited_rule("other");
    other.every = 500ms;
    other.condition = "avg(C, 1m) > " + std::to_string(i);
    ASSERT_TRUE(engine->set_rules({steady, other}));
    std::this_thread::sleep_for(10ms);
  }
  engine->stop();
  EXPECT_EQ(fired, 1);
}

}  // namespace
}  // namespace gpuscale::alert
