// SPDX-License-Identifier: Apache-2.0
#include "scaling/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "scaling/tests/controller_fixture.h"

namespace gpuscale::scaling {
namespace {

using pool::testing::Call;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Controller, BringsAPoolToItsMinimumAndCountsNodesReadyOnlyWhenTheirDevicesWork) {
  World world;
  world.pass();
  EXPECT_THAT(world.ids(NodeState::kLaunching), SizeIs(2));
  world.pass();
  EXPECT_THAT(world.ids(NodeState::kBooting), SizeIs(2));
  EXPECT_EQ(world.status().phase, PoolPhase::kScalingOut);
  world.agents_report = false;
  world.cloud.finish_boots();
  world.pass(5);
  EXPECT_THAT(world.ids(NodeState::kBooting), SizeIs(2)) << "running, but nobody has reported";
  world.agents_report = true;
  world.pass();
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2));
  EXPECT_EQ(world.status().phase, PoolPhase::kSteady);
  EXPECT_THAT(world.entries("pool.steady"), SizeIs(1));
}

TEST(Controller, AReportFromBeforeTheLaunchMakesNoNodeReady) {
  World world(1, 1);
  world.pass(2);
  const std::string id = world.cloud.ids().at(0);
  world.telemetry.set(id, {.last_report = world.clock.wall() - seconds{5}, .devices_ok = 8});
  world.pass();
  EXPECT_THAT(world.ids(NodeState::kBooting), SizeIs(1));
}

TEST(Controller, AnEpisodeReadsFromTriggerToReadyUnderOneCorrelation) {
  World world;
  world.settle();
  world.clock.advance(minutes{5});
  const auto outcome =
      world.controller->pull({.trigger = "gpu-out", .correlation = "c-episode", .source = "rule high"});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdict, Verdict::kAccepted);
  EXPECT_EQ(world.status().desired, 3) << "shown before any pass";
  world.settle();
  EXPECT_THAT(world.kinds("c-episode"), ElementsAre("trigger.accepted", "pool.desired", "node.launching",
                                                    "node.booting", "node.ready", "pool.steady"));
}

TEST(Controller, AScaleInDrainsTheNodeWithTheLeastWorkAndWaitsForItsRequests) {
  World world;
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", 3, "test"));
  world.settle();
  const auto ids = world.ids(NodeState::kReady);
  ASSERT_THAT(ids, SizeIs(3));
  world.loads = {{ids[0], 60}, {ids[1], 4}, {ids[2], 30}};
  world.cloud.set_in_flight(ids[1], 2);
  world.clock.advance(minutes{5});
  world.pass();
  const auto outcome =
      world.controller->pull({.trigger = "gpu-in", .correlation = "c-in", .source = "rule low"});
  ASSERT_TRUE(outcome);
  ASSERT_EQ(outcome->verdict, Verdict::kAccepted) << outcome->reason;
  world.pass(20);
  EXPECT_THAT(world.ids(NodeState::kDraining), ElementsAre(ids[1])) << "two requests are still in flight";
  for (const NodeStatus& node : world.controller->nodes("gpu")) {
    const bool drains = node.node.id.value() == ids[1];
    EXPECT_EQ(node.drain, drains ? "waiting for 2 requests in flight" : "");
    EXPECT_EQ(node.drain_phase, drains ? "working" : "");
  }
  world.cloud.set_in_flight(ids[1], 0);
  world.pass(5);
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2));
  EXPECT_THAT(world.cloud.ids(), SizeIs(2));
  EXPECT_THAT(world.cloud.ended_busy(), IsEmpty());
  EXPECT_THAT(world.kinds("c-in"), ElementsAre("trigger.accepted", "pool.desired", "node.draining",
                                               "node.drained", "node.gone", "pool.steady"));
  const auto draining = world.entries("node.draining").at(0);
  EXPECT_THAT(draining.details.at("ranking"), SizeIs(3));
  EXPECT_NEAR(draining.details.at("projected_utilization").get<double>(), 47.0, 0.01);
}

TEST(Controller, LoadThatComesBackUndoesTheDrainInOnePassInsteadOfLaunching) {
  World world;
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", 3, "test"));
  world.settle();
  for (const auto& id : world.cloud.ids()) world.cloud.set_in_flight(id, 1);
  ASSERT_TRUE(world.controller->set_desired("gpu", 2, "test"));
  world.pass(3);
  const auto draining = world.ids(NodeState::kDraining);
  ASSERT_THAT(draining, SizeIs(1));
  const int launches = world.cloud.calls(Call::kLaunch);
  ASSERT_TRUE(world.controller->set_desired("gpu", 3, "test"));
  world.pass();
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(3));
  EXPECT_FALSE(world.cloud.machine(draining[0])->draining);
  EXPECT_EQ(world.cloud.calls(Call::kLaunch), launches);
  EXPECT_THAT(world.entries("node.undrained"), SizeIs(1));
}

TEST(Controller, ANodeThatDiesIsNoticedAndReplaced) {
  World world;
  world.settle();
  const auto before = world.ids(NodeState::kReady);
  world.cloud.vanish(before[0]);
  world.pass();
  EXPECT_THAT(world.ids(NodeState::kLaunching), SizeIs(1)) << "replaced in the pass that notices";
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2));
  const auto lost = world.entries("node.lost");
  ASSERT_THAT(lost, SizeIs(1));
  EXPECT_THAT(world.kinds(lost[0].correlation),
              ElementsAre("node.lost", "node.launching", "node.booting", "node.ready", "pool.steady"));
}

TEST(Controller, AfterACrashItFindsItsNodesAndLaunchesNothing) {
  World world;
  world.settle();
  const auto before = world.ids(NodeState::kReady);
  const int launches = world.cloud.calls(Call::kLaunch);
  world.crash();
  world.settle();
  EXPECT_EQ(world.ids(NodeState::kReady), before);
  EXPECT_EQ(world.cloud.calls(Call::kLaunch), launches);
}

struct Crash {};

TEST(Controller, ACrashBetweenIntentAndCallIsMadeGoodWithTheSameId) {
  World world(1, 1);
  world.cloud.set_hook([](Call call, const std::string&, bool after) {
    if (call == Call::kLaunch && !after) throw Crash{};
  });
  EXPECT_THROW(world.pass(), Crash);
  EXPECT_THAT(world.cloud.ids(), IsEmpty());
  world.cloud.set_hook(nullptr);
  world.crash();
  const auto promised = world.ids(NodeState::kLaunching);
  ASSERT_THAT(promised, SizeIs(1));
  world.pass();
  EXPECT_EQ(world.cloud.ids(), promised);
}

TEST(Controller, AnInstanceThatNobodyKnowsJoinsThePool) {
  World world;
  world.cloud.plant("gpu-stray");
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2));
  EXPECT_TRUE(world.cloud.machine("gpu-stray"));
  EXPECT_THAT(world.entries("node.adopted"), SizeIs(1));
}

TEST(Controller, AnInstanceThatHadBeenLetGoIsDrainedAndEndedNotReused) {
  World world;
  world.settle();
  const std::string id = world.ids(NodeState::kReady)[0];
  world.cloud.vanish(id);
  world.settle();
  world.cloud.plant(id);
  world.cloud.set_in_flight(id, 1);
  world.pass(20);
  EXPECT_THAT(world.ids(NodeState::kDraining), ElementsAre(id));
  world.cloud.set_in_flight(id, 0);
  world.pass(10);
  EXPECT_FALSE(world.cloud.machine(id));
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2));
}

TEST(Controller, ASilentNodeStaysAndIsNeverAVictimByThat) {
  World world(1, 4);
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", 2, "test"));
  world.settle();
  for (const auto& id : world.ids(NodeState::kReady)) world.mute.insert(id);
  world.pass(100);
  EXPECT_EQ(world.status().phase, PoolPhase::kDegraded);
  ASSERT_TRUE(world.controller->set_desired("gpu", 1, "test"));
  world.pass(50);
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2));
  EXPECT_THAT(world.controller->nodes("gpu").at(0).victim_reason, HasSubstr("load is unknown"));
  world.mute.clear();
  world.pass(10);
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(1));
}

TEST(Controller, AProtectedNodeIsPassedOver) {
  World world(1, 4);
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", 2, "test"));
  world.settle();
  const auto ids = world.ids(NodeState::kReady);
  world.loads = {{ids[0], 1}, {ids[1], 80}};
  ASSERT_TRUE(world.controller->protect_node(ids[0], true, "test"));
  ASSERT_TRUE(world.controller->set_desired("gpu", 1, "test"));
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kReady), ElementsAre(ids[0]));
}

TEST(Controller, ANodeThatDoesNotAnswerIsNotEndedBeforeTheDrainTimeout) {
  World world(1, 4);
  world.spec.drain_timeout = minutes{1};
  world.crash();
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", 2, "test"));
  world.settle();
  for (const auto& id : world.cloud.ids()) world.cloud.set_answers(id, false);
  ASSERT_TRUE(world.controller->set_desired("gpu", 1, "test"));
  world.pass(250);
  EXPECT_THAT(world.ids(NodeState::kDraining), SizeIs(1));
  EXPECT_THAT(world.cloud.ids(), SizeIs(2));
  world.pass(60);
  EXPECT_THAT(world.cloud.ids(), SizeIs(1));
  EXPECT_THAT(world.entries("node.drain_timeout"), SizeIs(1));
}

TEST(Controller, ABootThatNeverEndsIsReplacedWithGrowingPauses) {
  World world(1, 1);
  world.agents_report = false;
  world.spec.boot_timeout = seconds{10};
  world.crash();
  world.pass(1500);
  const auto timeouts = world.entries("node.boot_timeout");
  EXPECT_GE(timeouts.size(), 5U);
  EXPECT_LE(timeouts.size(), 20U);
  EXPECT_THAT(world.cloud.ids(), ::testing::SizeIs(::testing::Le(1U)));
  EXPECT_EQ(world.status().phase, PoolPhase::kDegraded);
}

TEST(Controller, AProviderWithoutStockIsReportedAndAskedAgainForTheSameNode) {
  World world(1, 1);
  world.cloud.fail_next(Call::kLaunch, fail(Errc::kExhausted, "no H100 in stock"), 3);
  world.pass();
  EXPECT_EQ(world.status().phase, PoolPhase::kDegraded);
  EXPECT_THAT(world.status().phase_reason, HasSubstr("no H100 in stock"));
  EXPECT_EQ(world.status().phase_cause, PhaseCause::kFault);
  const auto asked = world.ids(NodeState::kLaunching);
  world.pass(50);
  world.cloud.finish_boots();
  world.pass(5);
  EXPECT_EQ(world.ids(NodeState::kReady), asked);
  EXPECT_EQ(world.status().phase, PoolPhase::kSteady);
}

TEST(Controller, AProviderThatCannotListStopsNothingAndLosesNobody) {
  World world;
  world.settle();
  const auto before = world.ids(NodeState::kReady);
  world.cloud.fail_next(Call::kList, fail(Errc::kUnavailable, "gone fishing"), 20);
  world.pass(20);
  EXPECT_EQ(world.ids(NodeState::kReady), before);
  EXPECT_EQ(world.status().phase, PoolPhase::kDegraded);
  world.pass(2);
  EXPECT_EQ(world.status().phase, PoolPhase::kSteady);
}

TEST(Controller, AReleasedNodeLeavesAndIsReplaced) {
  World world;
  world.settle();
  const std::string id = world.ids(NodeState::kReady)[0];
  ASSERT_TRUE(world.controller->release_node(id, "admin"));
  world.settle();
  EXPECT_FALSE(world.cloud.machine(id));
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2));
  EXPECT_EQ(world.controller->release_node("gpu-none", "admin").error().code(), Errc::kNotFound);
}

TEST(Controller, SecretsAreCheckedByHashAndSurviveRestarts) {
  World world;
  ASSERT_THAT(world.secrets_made, SizeIs(1));
  EXPECT_EQ(world.secrets_made[0].first, "gpu-in");
  const std::string secret = world.secrets_made[0].second.reveal();
  world.crash();
  EXPECT_THAT(world.secrets_made, IsEmpty());
  EXPECT_TRUE(world.controller->authenticate("gpu-in", secret));
  EXPECT_TRUE(world.controller->authenticate("gpu-out", "out-secret"));
  EXPECT_EQ(world.controller->authenticate("gpu-out", secret).error().code(), Errc::kUnauthenticated);
  EXPECT_EQ(world.controller->authenticate("gpu-in", "").error().code(), Errc::kUnauthenticated);
  EXPECT_EQ(world.controller->authenticate("gpu-off", secret).error().code(), Errc::kNotFound);
  EXPECT_EQ(*world.controller->secret_digest("gpu-in"), base::sha256_hex(secret));
  EXPECT_EQ(*world.controller->secret_digest("gpu-out"), base::sha256_hex("out-secret"));
  EXPECT_EQ(world.controller->secret_digest("gpu-off").error().code(), Errc::kNotFound);
}

TEST(Controller, AnIdempotencyKeyActsOnceAlsoAcrossACrash) {
  World world;
  const TriggerCall call{
      .trigger = "gpu-out", .step = 2, .idempotency_key = "k1", .correlation = {}, .source = "test"};
  const auto first = world.controller->pull(call);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->verdict, Verdict::kAccepted);
  world.clock.advance(minutes{10});
  world.crash();
  const auto again = world.controller->pull(call);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->to, first->to);
  EXPECT_EQ(again->correlation, first->correlation);
  EXPECT_EQ(world.status().desired, 4);
  world.clock.advance(std::chrono::hours{25});
  EXPECT_FALSE(world.controller->pull(call)->replayed);
}

TEST(Controller, ARefusalDoesNotBindItsKey) {
  World world;
  ASSERT_TRUE(world.controller->pull({.trigger = "gpu-out", .source = "test"}));
  const TriggerCall call{
      .trigger = "gpu-out", .step = 1, .idempotency_key = "k", .correlation = {}, .source = "test"};
  EXPECT_EQ(world.controller->pull(call)->verdict, Verdict::kCooldown);
  world.clock.advance(minutes{1});
  EXPECT_EQ(world.controller->pull(call)->verdict, Verdict::kAccepted);
}

TEST(Controller, BadStepsAndUnknownTriggersAreErrorsThatSayWhatIsKnown) {
  World world;
  for (const int step : {0, -1, 1001, 1'000'000'000}) {
    const auto result = world.controller->pull({.trigger = "gpu-out", .step = step, .source = "test"});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::kInvalidArgument);
  }
  const auto unknown = world.controller->pull({.trigger = "gpu-up", .source = "test"});
  EXPECT_EQ(unknown.error().code(), Errc::kNotFound);
  EXPECT_THAT(unknown.error().message(), HasSubstr("gpu-out"));
}

TEST(Controller, HammeringATriggerFillsNoLedger) {
  World world;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(world.controller->pull({.trigger = "gpu-out", .source = "test"}));
  EXPECT_THAT(world.entries("trigger."), SizeIs(2)) << "one accepted, one refused";
}

TEST(Controller, NewBoundsClipTheDesiredSizeAndKeepItOtherwise) {
  World world;
  ASSERT_TRUE(world.controller->set_desired("gpu", 5, "test"));
  world.crash();
  EXPECT_EQ(world.status().desired, 5);
  world.spec.max = 4;
  world.crash();
  EXPECT_EQ(world.status().desired, 4);
}

TEST(Controller, EndsEveryNodeWhenAskedTo) {
  World world;
  world.settle();
  ASSERT_TRUE(world.controller->shut_down_nodes(milliseconds{5000}));
  EXPECT_THAT(world.cloud.ids(), IsEmpty());
  EXPECT_THAT(world.controller->nodes(""), IsEmpty());
}

TEST(Controller, APoolWhoseProviderHangsDelaysNoOther) {
  base::testing::ManualClock clock;
  testing::FakeTelemetry telemetry;
  const auto database = *db::Database::open(":memory:");
  const auto ledger = *activity::Ledger::open(*database);
  pool::testing::FakeCloud stuck;
  pool::testing::FakeCloud quick;
  std::mutex gate;
  gate.lock();
  std::atomic<bool> hanging{false};
  stuck.set_hook([&](Call, const std::string&, bool) {
    hanging = true;
    const std::scoped_lock wait(gate);
  });
  const auto controller = *Controller::open(
      *database, *ledger, telemetry, clock, log::Log::silent(),
      [&](const pool::PoolSpec& spec) -> Result<std::unique_ptr<pool::NodeProvider>> {
        return std::unique_ptr<pool::NodeProvider>(
            std::make_unique<pool::testing::FakeProvider>(spec.name == "stuck" ? stuck : quick));
      });
  pool::PoolSpec one;
  one.name = "stuck";
  pool::PoolSpec other;
  other.name = "quick";
  controller->start();
  ASSERT_TRUE(controller->configure({one, other}, {}));
  const auto deadline = std::chrono::steady_clock::now() + seconds{20};
  while ((!hanging || quick.ids().empty()) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_THAT(quick.ids(), SizeIs(1)) << "launched while the other pool's provider hangs";
  one.provider.type = "another";
  EXPECT_TRUE(controller->configure({one, other}, {})) << "nor does a new set-up wait for it";
  gate.unlock();
  controller->stop();
}

TEST(Controller, ReadersAreServedWhileAProviderHangs) {
  World world;
  world.settle();
  std::mutex gate;
  gate.lock();
  std::atomic<bool> hanging{false};
  world.cloud.set_hook([&](Call call, const std::string&, bool after) {
    if (call != Call::kList || after) return;
    hanging = true;
    gate.lock();
    gate.unlock();
  });
  world.controller->start();
  while (!hanging) std::this_thread::yield();
  EXPECT_THAT(world.controller->nodes("gpu"), SizeIs(2));
  EXPECT_TRUE(world.controller->pull({.trigger = "gpu-out", .source = "test"}));
  EXPECT_EQ(world.status().desired, 3);
  gate.unlock();
  world.controller->stop();
}

TEST(Controller, ATriggerDeletedWhileItRunsLeavesNoSecretAndNoSwitchToItsName) {
  World world;
  const TriggerSpec made{.name = "made",
                         .pool = "gpu",
                         .type = Direction::kOut,
                         .secret = Secret("0123456789abcdef"),
                         .secret_given_once = true};
  ASSERT_TRUE(world.controller->configure({world.spec}, {made}));
  ASSERT_TRUE(world.controller->authenticate("made", "0123456789abcdef"));
  EXPECT_TRUE(world.controller->rotate_secret("made", "ann"))
      << "a secret that was given once may be rotated";
  ASSERT_TRUE(world.controller->enable_trigger("made", false, "ann"));
  ASSERT_TRUE(world.controller->configure({world.spec}, {}));
  TriggerSpec again = made;
  again.secret = Secret();
  const auto secrets = world.controller->configure({world.spec}, {again});
  ASSERT_TRUE(secrets);
  EXPECT_EQ(secrets->size(), 1U) << "it has a new one";
  EXPECT_TRUE(world.controller->triggers().at(0).enabled);
}

}  // namespace
}  // namespace gpuscale::scaling
