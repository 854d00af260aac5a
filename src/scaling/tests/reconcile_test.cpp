// SPDX-License-Identifier: Apache-2.0
/// The guarantees of single passes that the controller's scenarios do not reach.
#include "scaling/reconcile.h"

#include <gmock/gmock.h>

#include "scaling/decision_code.h"

namespace gpuscale::scaling {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr WallTime kThen = base::from_unix_nanos(1'700'000'000'000'000'000);

pool::PoolSpec spec_of(int min, int max) {
  pool::PoolSpec spec;
  spec.name = "gpu";
  spec.min = min;
  spec.max = max;
  spec.boot_timeout = 5min;
  return spec;
}

pool::Instance instance(const std::string& id) {
  return {.id = pool::NodeId(id), .state = pool::InstanceState::kRunning, .endpoint = {}, .detail = {}};
}

NodeView node(const std::string& id, pool::NodeState state, Nanos in_state = 1h) {
  NodeView view{
      NodeRecord{pool::Node{.id = pool::NodeId(id), .pool = pool::PoolName("gpu"), .state = state}}};
  view.record.node.created = kThen - in_state;
  if (state == pool::NodeState::kReady || state == pool::NodeState::kDraining)
    view.record.node.ready_at = view.record.node.created;
  view.record.seen = true;
  view.in_state = in_state;
  view.call_due = false;
  return view;
}

ReconcileInput input_of(std::vector<NodeView> nodes, int desired, int max = 10) {
  ReconcileInput input;
  input.spec = spec_of(0, max);
  input.desired = desired;
  input.instances.emplace();
  for (const NodeView& view : nodes) input.instances->push_back(instance(view.record.node.id.value()));
  input.nodes = std::move(nodes);
  input.telemetry.emplace();
  input.watching = 1h;
  input.now = kThen;
  return input;
}

std::vector<std::string> steps(const Plan& plan) {
  std::vector<std::string> out;
  for (const Action& action : plan.actions)
    out.push_back(std::string(to_string(action.kind)) + " " + action.node);
  return out;
}

TEST(Reconcile, WhatWasFoundIsDrainedAndNeverCancelled) {
  // As after a restore of an older state.db: two nodes that nobody remembers may be at work.
  ReconcileInput input = input_of({}, 1);
  input.instances->push_back(instance("gpu-a"));
  input.instances->push_back(instance("gpu-b"));
  EXPECT_THAT(steps(reconcile(input)), ElementsAre("adopt gpu-a", "adopt gpu-b", "begin_drain gpu-a"));
}

TEST(Reconcile, LeavesItsInputAsItWas) {
  NodeView silent = node("gpu-b", pool::NodeState::kReady);
  NodeView launching = node("gpu-c", pool::NodeState::kLaunching, 1s);
  launching.record.seen = false;
  NodeView vanished = node("gpu-d", pool::NodeState::kReady);
  ReconcileInput input = input_of({node("gpu-a", pool::NodeState::kBooting), silent, launching}, 1);
  input.nodes.push_back(vanished);
  input.instances->push_back(instance("gpu-stranger"));
  input.instances->front().endpoint = "http://10.0.0.1:1";
  const std::string before = encode(input);
  EXPECT_THAT(steps(reconcile(input)),
              ElementsAre("set_endpoint gpu-a", "mark_booting gpu-c", "mark_lost gpu-d", "adopt gpu-stranger",
                          "mark_silent gpu-b", "end gpu-a", "begin_drain gpu-stranger", "end gpu-c"));
  EXPECT_EQ(encode(input), before);
}

TEST(Reconcile, ADrainOfWhatWasFoundIsUndoneWhereItIsMissedAndItBootsOn) {
  NodeView found = node("gpu-a", pool::NodeState::kBooting, 1s);
  found.record.adopted = true;
  EXPECT_THAT(steps(reconcile(input_of({found}, 0))), ElementsAre("begin_drain gpu-a"));
  found.record.node.state = pool::NodeState::kDraining;
  found.record.cause = DrainCause::kCancel;
  EXPECT_THAT(steps(reconcile(input_of({found}, 1))), ElementsAre("undrain gpu-a"));
  EXPECT_EQ(state_taken_back(found.record), pool::NodeState::kBooting) << "nobody has heard it yet";
  NodeView served = node("gpu-b", pool::NodeState::kDraining, 1min);
  served.record.cause = DrainCause::kScaleIn;
  EXPECT_THAT(steps(reconcile(input_of({found, served}, 1))), ElementsAre("undrain gpu-b"))
      << "what is known to work comes first";
}

TEST(Reconcile, AnInstanceThatIsListedTwiceIsOneNode) {
  ReconcileInput input = input_of({}, 1);
  input.instances->push_back(instance("gpu-a"));
  input.instances->push_back(instance("gpu-a"));
  EXPECT_THAT(steps(reconcile(input)), ElementsAre("adopt gpu-a"));
}

TEST(Reconcile, WhatWasFoundAndNeverReportsIsDrained) {
  NodeView found = node("gpu-a", pool::NodeState::kBooting);
  found.record.adopted = true;
  EXPECT_THAT(steps(reconcile(input_of({found}, 0))), ElementsAre("begin_drain gpu-a"));
  const NodeView own = node("gpu-b", pool::NodeState::kBooting);
  EXPECT_THAT(steps(reconcile(input_of({own}, 0))), ElementsAre("end gpu-b"));
}

TEST(Reconcile, ABootIsNotTooLongWhileNobodyCouldHearIt) {
  ReconcileInput input = input_of({node("gpu-a", pool::NodeState::kBooting)}, 1);
  input.watching = 10s;
  EXPECT_THAT(steps(reconcile(input)), IsEmpty()) << "the server has only just started";
  input.watching = 1h;
  input.telemetry.reset();
  EXPECT_THAT(steps(reconcile(input)), IsEmpty()) << "the store cannot be read";
  input.telemetry.emplace();
  EXPECT_THAT(steps(reconcile(input)), ElementsAre("end gpu-a", "launch ")) << "it really is silent";
}

TEST(Reconcile, NeverMoreThanTwiceMaxExistAtOnce) {
  std::vector<NodeView> leaving;
  for (int i = 0; i < 3; ++i) {
    NodeView view = node("gpu-" + std::to_string(i), pool::NodeState::kDraining, 10s);
    view.record.cause = DrainCause::kRelease;
    leaving.push_back(view);
  }
  const Plan plan = reconcile(input_of(leaving, 2, 2));
  EXPECT_THAT(steps(plan), ElementsAre("launch ")) << "three exist, four are the most";
  EXPECT_THAT(plan.launch_blocked, HasSubstr("3 nodes exist"));
}

TEST(Reconcile, ClosingEndsEvenWhatNobodyKnew) {
  ReconcileInput input = input_of({}, 0);
  input.instances->push_back(instance("gpu-a"));
  input.closing = true;
  EXPECT_THAT(steps(reconcile(input)), ElementsAre("adopt gpu-a", "end gpu-a"));
}

TEST(Reconcile, ANodeWithSilentDevicesIsNoVictim) {
  ReconcileInput input =
      input_of({node("gpu-a", pool::NodeState::kReady), node("gpu-b", pool::NodeState::kReady)}, 1);
  NodeTelemetry whole{
      .last_report = kThen, .devices_ok = 8, .devices_measured = 8, .utilization = 0, .in_flight = 0};
  NodeTelemetry partly = whole;
  partly.devices_measured = 1;
  partly.utilization = 1;
  input.spec.scale_in.ceiling = 100;
  input.telemetry = TelemetryByNode{{"gpu-a", partly}, {"gpu-b", whole}};
  EXPECT_THAT(steps(reconcile(input)), ElementsAre("begin_drain gpu-b"));
  (*input.telemetry)["gpu-b"].devices_ok = 7;
  (*input.telemetry)["gpu-b"].devices_failed = 1;
  const Plan plan = reconcile(input);
  EXPECT_THAT(steps(plan), IsEmpty());
  EXPECT_THAT(plan.scale_in_blocked, HasSubstr("gpu-a (the load of 7 of its 8 devices is unknown)"));
}

}  // namespace
}  // namespace gpuscale::scaling
