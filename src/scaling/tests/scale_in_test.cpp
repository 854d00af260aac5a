// SPDX-License-Identifier: Apache-2.0
/// What a scale-in may take, and what happens to sick nodes.
#include <gmock/gmock.h>

#include "scaling/drain.h"
#include "scaling/peak_window.h"
#include "scaling/removal_proof.h"
#include "scaling/tests/controller_fixture.h"

namespace gpuscale::scaling {
namespace {

using namespace std::chrono_literals;
using pool::testing::Call;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct ProofCase {
  const char* what;
  int nodes;
  int unknown;
  double known;
  double peak;
  double ceiling;
  int spare;
};
class Proofs : public ::testing::TestWithParam<ProofCase> {};

TEST_P(Proofs, SpareOnlyWhatTheSurvivorsCanBear) {
  const ProofCase& c = GetParam();
  const RemovalProof proof = prove_removal(c.nodes, c.unknown, {.known = c.known, .peak = c.peak}, c.ceiling);
  EXPECT_EQ(proof.spare, c.spare) << c.what;
  if (proof.spare > 0 && proof.spare < proof.nodes) {
    EXPECT_LE(proof.projected(proof.spare).value_or(0), c.ceiling + 1e-6);
  }
  if (const auto one_more = proof.projected(proof.spare + 1)) {
    EXPECT_GT(*one_more, c.ceiling);
  }
}

INSTANTIATE_TEST_SUITE_P(
    RemovalProof, Proofs,
    ::testing::Values(ProofCase{"nothing to do", 3, 0, 0, 0, 45, 3},
                      ProofCase{"27 % on three is 40.5 % on two", 3, 0, 0.81, 0.81, 45, 1},
                      ProofCase{"35 % on three is 52.5 % on two", 3, 0, 1.05, 1.05, 45, 0},
                      ProofCase{"exactly at the ceiling", 3, 0, 0.9, 0.9, 45, 1},
                      ProofCase{"the peak counts, not the moment", 3, 0, 0.2, 1.2, 45, 0},
                      ProofCase{"unknown load counts as full", 4, 1, 0.2, 0.2, 45, 1},
                      ProofCase{"overloaded already", 2, 0, 1.9, 1.9, 45, 0},
                      ProofCase{"no node", 0, 0, 0.5, 0.5, 45, 0}));

TEST(PeakWindow, HoldsTheHighestOfItsWindowAndForgetsWhatIsOlder) {
  PeakWindow window;
  const MonoTime start{};
  for (int i = 0; i < 10; ++i) window.add(start + i * 1s, i == 3 ? 9.0 : 1.0 + i * 0.1);
  EXPECT_DOUBLE_EQ(window.peak(start + 9s, 10s), 9.0);
  EXPECT_DOUBLE_EQ(window.peak(start + 14s, 10s), 1.9);
  EXPECT_DOUBLE_EQ(window.peak(start + 60s, 10s), 0.0);
}

NodeView draining(std::int64_t in_flight, Nanos in_state) {
  NodeView view{NodeRecord{
      pool::Node{.id = pool::NodeId("a"), .pool = pool::PoolName("gpu"), .state = NodeState::kDraining}}};
  view.record.cause = DrainCause::kScaleIn;
  view.workload = pool::Workload{in_flight, true};
  view.idle_observations = 5;
  view.idle_for = 1s;
  view.in_state = in_state;
  return view;
}

TEST(Drain, IsDoneOnlyWhenTheNodesGpusDoNotContradictIt) {
  const WallTime now = base::from_unix_nanos(1'700'000'000'000'000'000);
  pool::PoolSpec spec;
  NodeTelemetry said{.last_report = now, .devices_ok = 1, .utilization = 40, .utilization_now = 60};
  EXPECT_EQ(drain_state(draining(0, 1min), &said, spec, now).phase, DrainPhase::kWorking);
  said.utilization_now = 0;
  EXPECT_EQ(drain_state(draining(0, 1min), &said, spec, now).phase, DrainPhase::kDone);
  EXPECT_EQ(drain_state(draining(2, 1min), &said, spec, now).phase, DrainPhase::kWorking);
  EXPECT_EQ(drain_state(draining(0, 1min), nullptr, spec, now).phase, DrainPhase::kDone)
      << "its own word counts where its telemetry is silent";
  spec.scale_in.watch = 90s;
  EXPECT_EQ(drain_state(draining(0, 1min), &said, spec, now).phase, DrainPhase::kWatching);
}

TEST(Drain, WaitsForWhatHoldsTheNodeThoughNothingIsInFlight) {
  const WallTime now = base::from_unix_nanos(1'700'000'000'000'000'000);
  NodeView view = draining(0, 1min);
  view.workload->held_by = "its drain hook";
  const DrainState state = drain_state(view, nullptr, {}, now);
  EXPECT_EQ(state.phase, DrainPhase::kWorking);
  EXPECT_EQ(state.text, "waiting for its drain hook");
}

TEST(Drain, WhereNobodyCanAskTheNodeItsTelemetryMustShowIdleness) {
  const WallTime now = base::from_unix_nanos(1'700'000'000'000'000'000);
  const pool::PoolSpec spec;
  NodeView view = draining(0, 1min);
  view.workload.reset();
  view.workload_unsupported = true;
  EXPECT_EQ(drain_state(view, nullptr, spec, now).phase, DrainPhase::kWorking);
  NodeTelemetry said{.last_report = now, .devices_ok = 1, .utilization = 1};
  EXPECT_EQ(drain_state(view, &said, spec, now).phase, DrainPhase::kDone);
  view.in_state = 2s;
  EXPECT_EQ(drain_state(view, &said, spec, now).phase, DrainPhase::kWorking) << "too early to be sure";
}

/// A settled pool of `n` nodes.
void grow(World& world, int n) {
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", n, "test"));
  world.settle();
  ASSERT_THAT(world.ids(NodeState::kReady), SizeIs(n));
}

void set_loads(World& world, double load) {
  for (const auto& id : world.cloud.ids()) world.loads[id] = load;
}

TEST(ScaleIn, NothingGoesWhileTheSurvivorsWouldBeOverTheCeiling) {
  World world(1, 4);
  world.spec.scale_in.ceiling = 45;
  world.crash();
  grow(world, 3);
  set_loads(world, 35);
  world.pass(5);
  ASSERT_TRUE(world.controller->set_desired("gpu", 2, "test"));
  world.pass(20);
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(3));
  EXPECT_THAT(world.status().phase_reason, HasSubstr("52.5 % on 2 nodes after 1 has gone, ceiling 45.0 %"));
  EXPECT_EQ(world.status().phase_cause, PhaseCause::kBlocked);
  set_loads(world, 25);
  world.pass(50);
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(3)) << "the peak of the window still counts";
  world.clock.advance(minutes{1});
  world.pass(10);
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2));
}

TEST(ScaleIn, LoadThatReturnsDuringADrainRescuesTheNodeAndRaisesTheSize) {
  World world(1, 4);
  world.spec.scale_in.ceiling = 45;
  world.spec.scale_in.watch = seconds{20};
  world.crash();
  grow(world, 2);
  set_loads(world, 10);
  world.pass(5);
  ASSERT_TRUE(world.controller->set_desired("gpu", 1, "test"));
  world.pass(3);
  ASSERT_THAT(world.ids(NodeState::kDraining), SizeIs(1));
  const int launches = world.cloud.calls(Call::kLaunch);
  world.loads[world.ids(NodeState::kReady).at(0)] = 60;
  world.loads[world.ids(NodeState::kDraining).at(0)] = 0;
  world.pass();
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2)) << "in one pass";
  EXPECT_EQ(world.status().desired, 2);
  EXPECT_EQ(world.status().saved_boots, 1);
  EXPECT_EQ(world.cloud.calls(Call::kLaunch), launches);
  world.crash();
  EXPECT_EQ(world.status().saved_boots, 1) << "counted for good";
}

TEST(ScaleIn, ASickNodeIsReplacedAndNeverMoreThanTheShareOfThePoolAtATime) {
  World world(5, 8);
  world.settle();
  const auto ids = world.ids(NodeState::kReady);
  world.failed_devices = {{ids[0], 1}, {ids[1], 1}};
  world.pass(5);
  EXPECT_THAT(world.ids(NodeState::kDraining), IsEmpty()) << "it may be a passing fault";
  EXPECT_EQ(world.status().phase, PoolPhase::kDegraded);
  for (const auto& id : {ids[0], ids[1]}) world.cloud.set_in_flight(id, 1);
  world.clock.advance(minutes{1});
  world.pass(2);
  EXPECT_THAT(world.ids(NodeState::kDraining), SizeIs(1)) << "one fifth of five";
  world.pass(5);
  EXPECT_THAT(world.ids(NodeState::kDraining), SizeIs(1));
  for (const auto& id : {ids[0], ids[1]}) world.cloud.set_in_flight(id, 0);
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(5));
  EXPECT_FALSE(world.cloud.machine(ids[0]));
  EXPECT_FALSE(world.cloud.machine(ids[1]));
  EXPECT_THAT(world.cloud.ended_busy(), IsEmpty());
}

TEST(ScaleIn, ASickNodeIsTheFirstVictim) {
  World world(1, 4);
  grow(world, 3);
  const auto ids = world.ids(NodeState::kReady);
  world.loads = {{ids[0], 50}, {ids[1], 1}, {ids[2], 1}};
  world.failed_devices = {{ids[0], 1}};
  world.spec.scale_in.sick_after = seconds{5};
  world.crash();
  world.pass(10);
  ASSERT_TRUE(world.controller->set_desired("gpu", 2, "test"));
  world.clock.advance(seconds{10});
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kReady), ElementsAre(ids[1], ids[2]));
}

class ScaleInRestarts : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Scaling, ScaleInRestarts, ::testing::Bool());

TEST_P(ScaleInRestarts, ASilentNodeIsNoVictimBecauseTheClockWasSetBack) {
  World world(2, 4);
  grow(world, 3);
  const std::string mute = world.ids(NodeState::kReady).at(0);
  for (const auto& id : world.ids(NodeState::kReady)) world.loads[id] = id == mute ? 0 : 20;
  world.pass(2);
  world.mute.insert(mute);
  for (int i = 0; i < 8; ++i) {
    world.clock.advance(seconds{5});
    world.pass();
  }
  ASSERT_THAT(world.entries("node.silent"), SizeIs(1));
  world.clock.jump_wall(-seconds{38});
  if (GetParam()) world.crash();
  ASSERT_TRUE(world.controller->set_desired("gpu", 2, "test"));
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kReady), ::testing::Contains(mute));
  EXPECT_THAT(world.entries("node.heard"), SizeIs(0));
}

TEST(ScaleIn, WhenMuchOfTheFleetLooksBrokenNothingIsRemovedAndThePoolSaysSo) {
  World world(2, 8);
  grow(world, 8);
  const auto ids = world.ids(NodeState::kReady);
  for (std::size_t i = 0; i < 4; ++i) world.failed_devices[ids[i]] = 1;
  ASSERT_TRUE(world.controller->set_desired("gpu", 4, "test"));
  world.clock.advance(minutes{1});
  world.pass();
  world.clock.advance(minutes{1});
  world.pass(20);
  EXPECT_THAT(world.status().phase_reason, HasSubstr("4 of"));
  EXPECT_THAT(world.status().phase_reason, HasSubstr("nothing is removed"));
  EXPECT_THAT(world.entries("fleet.doubtful"), SizeIs(1));
}

TEST(ScaleIn, APersonsDrainKeepsTheNodeUntilItIsTakenBack) {
  World world(2, 4);
  world.settle();
  const std::string id = world.ids(NodeState::kReady).at(0);
  ASSERT_TRUE(world.controller->hold_node(id, "ann"));
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kDraining), ElementsAre(id));
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2)) << "it has been replaced";
  EXPECT_TRUE(world.cloud.machine(id)->draining);
  ASSERT_TRUE(world.controller->undrain_node(id, "ann"));
  world.pass(2);
  EXPECT_FALSE(world.cloud.machine(id)->draining);
  EXPECT_EQ(world.controller->undrain_node(id, "ann").error().code(), Errc::kConflict);
}

TEST(ScaleIn, TheLedgerSaysForEveryNodeWhereItStands) {
  World world(1, 4);
  grow(world, 3);
  const auto ids = world.ids(NodeState::kReady);
  world.loads = {{ids[0], 30}, {ids[1], 3}, {ids[2], 20}};
  ASSERT_TRUE(world.controller->protect_node(ids[2], true, "test"));
  world.pass(2);
  const auto nodes = world.controller->nodes("gpu");
  EXPECT_EQ(nodes[0].victim_rank, 2);
  EXPECT_EQ(nodes[1].victim_rank, 1);
  EXPECT_THAT(nodes[1].victim_reason, HasSubstr("3.0 % GPU work, 0 in flight"));
  EXPECT_EQ(nodes[2].victim.standing, Standing::kProtected);
  EXPECT_EQ(nodes[2].victim.health, Health::kGood);
  EXPECT_NEAR(world.status().proof.work_now, 0.53, 1e-9);
  EXPECT_EQ(world.status().proof.spare, 2);
}

}  // namespace
}  // namespace gpuscale::scaling
