// SPDX-License-Identifier: Apache-2.0
// Triggers that run a command or call a URL: what is pulled for happens once, and what is not known is said.
#include <gmock/gmock.h>

#include <condition_variable>
#include <functional>

#include "scaling/tests/controller_fixture.h"

namespace gpuscale::scaling {
namespace {

using ::testing::HasSubstr;

struct CrashInErrand {};

/// Notes what it is asked to do; answers, fails or crashes as told.
class FakeActor final : public notify::Sender {
 public:
  std::vector<notify::Message> done;
  std::function<Result<notify::Receipt>()> answer = [] { return notify::Receipt{200, "exit code 0", {}}; };
  Result<notify::Receipt> send(const notify::ChannelSpec&, const notify::Message& message) override {
    done.push_back(message);
    return answer();
  }
};

class ErrandTest : public ::testing::Test {
 protected:
  ErrandTest() {
    database_ = *db::Database::open(":memory:");
    ledger_ = *activity::Ledger::open(*database_);
    TriggerSpec run{.name = "redeploy", .type = Direction::kRun, .secret = Secret("s")};
    run.action.emplace();
    run.action->kind = notify::ChannelKind::kExec;
    TriggerSpec call{.name = "ci", .type = Direction::kCall, .secret = Secret("s")};
    call.action.emplace();
    triggers_ = {run, call};
    open();
  }
  void open() {
    controller_.reset();
    controller_ = *Controller::open(*database_, *ledger_, telemetry_, clock_, log::Log::silent(),
                                    [](const pool::PoolSpec&) -> Result<std::unique_ptr<pool::NodeProvider>> {
                                      return fail(Errc::kUnsupported, "no pools");
                                    },
                                    {.errands = {runner_, caller_}});
    ASSERT_TRUE(controller_->configure({}, triggers_));
  }
  TriggerOutcome pull(const std::string& trigger, const std::string& key = "") {
    TriggerCall call;
    call.trigger = trigger;
    call.idempotency_key = key;
    call.source = "test";
    const auto outcome = controller_->pull(call);
    EXPECT_TRUE(outcome) << outcome.error().message();
    return outcome ? *outcome : TriggerOutcome{};
  }
  void tick(Nanos later = std::chrono::seconds{1}) {
    clock_.advance(later);
    controller_->tick(clock_.wall());
  }
  Errand last(const std::string& trigger) { return controller_->errands(trigger, 1)->at(0); }
  std::vector<std::string> told() {
    std::vector<std::string> kinds;
    const auto entries = *ledger_->query({});
    for (const auto& entry : entries) kinds.push_back(entry.kind);
    return kinds;
  }

  base::testing::ManualClock clock_;
  testing::FakeTelemetry telemetry_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  std::shared_ptr<FakeActor> runner_ = std::make_shared<FakeActor>();
  std::shared_ptr<FakeActor> caller_ = std::make_shared<FakeActor>();
  std::vector<TriggerSpec> triggers_;
  std::unique_ptr<Controller> controller_;
};

TEST_F(ErrandTest, IsWrittenDownThenDoneAndItsEndIsTold) {
  const TriggerOutcome outcome = pull("redeploy");
  EXPECT_EQ(outcome.verdict, Verdict::kAccepted);
  EXPECT_GT(outcome.errand, 0);
  EXPECT_TRUE(runner_->done.empty()) << "the answer does not wait for it";
  tick();
  ASSERT_EQ(runner_->done.size(), 1U);
  EXPECT_EQ(runner_->done[0].correlation, outcome.correlation);
  EXPECT_EQ(last("redeploy").state, ErrandState::kDone);
  EXPECT_EQ(last("redeploy").result, "exit code 0");
  EXPECT_THAT(told(), ::testing::ElementsAre("trigger.accepted", "errand.begun", "errand.done"));
}

TEST_F(ErrandTest, AKeyActsOnceAlsoAcrossARestartAndItsAnswerSaysHowFarItHasCome) {
  pull("redeploy", "k");
  EXPECT_THAT(pull("redeploy", "k").reason, HasSubstr("it has not begun"));
  tick();
  open();
  const TriggerOutcome again = pull("redeploy", "k");
  EXPECT_TRUE(again.replayed);
  EXPECT_THAT(again.reason, HasSubstr("it is done: exit code 0"));
  tick();
  EXPECT_EQ(runner_->done.size(), 1U);
}

TEST_F(ErrandTest, WhatWasAcceptedBeforeACrashIsDoneAfterIt) {
  pull("redeploy", "k");
  open();
  tick();
  EXPECT_EQ(runner_->done.size(), 1U);
  open();
  tick();
  EXPECT_EQ(runner_->done.size(), 1U);
}

TEST_F(ErrandTest, ACrashInTheMiddleIsToldAsUnknownAndNotRepeated) {
  runner_->answer = []() -> Result<notify::Receipt> { throw CrashInErrand(); };
  pull("redeploy", "k");
  EXPECT_THROW(tick(), CrashInErrand);
  open();
  tick();
  EXPECT_EQ(runner_->done.size(), 1U);
  EXPECT_EQ(last("redeploy").state, ErrandState::kUnknown);
  EXPECT_THAT(last("redeploy").result, HasSubstr("the server stopped while it ran"));
  EXPECT_THAT(told(), ::testing::Contains("errand.unknown"));
  EXPECT_THAT(pull("redeploy", "k").reason, HasSubstr("it is not known whether it took effect"));
  EXPECT_EQ(pull("redeploy", "another").verdict, Verdict::kAccepted);
}

TEST_F(ErrandTest, WhatWaitsDoesForAllWhoAskMeanwhile) {
  const TriggerOutcome first = pull("redeploy", "a");
  const TriggerOutcome second = pull("redeploy", "b");
  EXPECT_EQ(second.verdict, Verdict::kUnchanged);
  EXPECT_EQ(second.errand, first.errand);
  tick();
  EXPECT_EQ(runner_->done.size(), 1U);
  EXPECT_EQ(pull("redeploy", "c").verdict, Verdict::kAccepted);
}

TEST_F(ErrandTest, ItsCooldownIsAnsweredWithTheTimeThatIsLeft) {
  triggers_[0].cooldown = std::chrono::minutes{5};
  open();
  pull("redeploy");
  tick();
  const TriggerOutcome soon = pull("redeploy");
  EXPECT_EQ(soon.verdict, Verdict::kCooldown);
  EXPECT_EQ(soon.retry_after, std::chrono::seconds{299});
  tick(std::chrono::minutes{5});
  EXPECT_EQ(pull("redeploy").verdict, Verdict::kAccepted);
}

TEST_F(ErrandTest, AFailureIsKeptWithABoundedPartOfWhatWasSaid) {
  runner_->answer = [] { return notify::Receipt{400, "exit code 1: " + std::string(5'000, 'x'), {}}; };
  pull("redeploy");
  tick();
  EXPECT_EQ(last("redeploy").state, ErrandState::kFailed);
  EXPECT_EQ(last("redeploy").result.size(), kMaxErrandResult);
  EXPECT_THAT(last("redeploy").result, HasSubstr("exit code 1"));
}

TEST_F(ErrandTest, ACallWithoutAnAnswerMayHaveActedAndOneWithoutAConnectionHasNot) {
  caller_->answer = []() -> Result<notify::Receipt> { return fail(Errc::kTimeout, "no answer within 1 s"); };
  pull("ci");
  tick();
  EXPECT_EQ(last("ci").state, ErrandState::kUnknown);
  caller_->answer = []() -> Result<notify::Receipt> { return fail(Errc::kUnavailable, "no connection"); };
  pull("ci");
  tick();
  EXPECT_EQ(last("ci").state, ErrandState::kFailed);
  caller_->answer = [] { return notify::Receipt{500, "oops\n", {}}; };
  pull("ci");
  tick();
  EXPECT_EQ(last("ci").result, "answers 500: oops");
}

TEST_F(ErrandTest, ADisabledTriggerAndAnotherTypeAreConflicts) {
  TriggerCall call;
  call.trigger = "redeploy";
  call.type = Direction::kOut;
  EXPECT_EQ(controller_->pull(call)->verdict, Verdict::kConflict);
  ASSERT_TRUE(controller_->enable_trigger("redeploy", false, "me"));
  EXPECT_EQ(pull("redeploy").verdict, Verdict::kConflict);
  tick();
  EXPECT_TRUE(runner_->done.empty());
}

TEST_F(ErrandTest, WhatWaitsEndsWithItsTriggerAndAfterAnHour) {
  pull("redeploy");
  ASSERT_TRUE(controller_->configure({}, {triggers_[1]}));
  ASSERT_TRUE(controller_->configure({}, triggers_));
  tick();
  EXPECT_TRUE(runner_->done.empty());
  EXPECT_THAT(last("redeploy").result, HasSubstr("deleted"));
  pull("ci");
  tick(std::chrono::hours{2});
  EXPECT_TRUE(caller_->done.empty());
  EXPECT_THAT(last("ci").result, HasSubstr("more than an hour ago"));
}

TEST_F(ErrandTest, OneThatHangsDelaysNoOther) {
  std::mutex mutex;
  std::condition_variable changed;
  bool free = false;
  bool called = false;
  bool hangs = false;
  runner_->answer = [&]() -> Result<notify::Receipt> {
    std::unique_lock lock(mutex);
    hangs = true;
    changed.notify_all();
    changed.wait(lock, [&] { return free; });
    return notify::Receipt{200, "", {}};
  };
  caller_->answer = [&]() -> Result<notify::Receipt> {
    const std::scoped_lock lock(mutex);
    called = true;
    changed.notify_all();
    return notify::Receipt{204, "", {}};
  };
  controller_->start();
  pull("redeploy");
  pull("ci");
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds{20}, [&] { return called && hangs; }));
  free = true;
  changed.notify_all();
  lock.unlock();
  controller_->stop();
  EXPECT_EQ(last("redeploy").state, ErrandState::kDone);
  EXPECT_EQ(last("ci").state, ErrandState::kDone);
}

}  // namespace
}  // namespace gpuscale::scaling
