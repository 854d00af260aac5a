// SPDX-License-Identifier: Apache-2.0
/// Nodes of a scale-in that stay parked.
#include <gmock/gmock.h>

#include "scaling/budget.h"
#include "scaling/tests/controller_fixture.h"

namespace gpuscale::scaling {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A pool of four that has shrunk to one, of whose three drained nodes two stay parked.
class WarmWorld : public World {
 public:
  WarmWorld() : World(1, 6) {
    spec.warm = {.nodes = 2, .keep = minutes{30}};
    spec.drain_timeout = minutes{5};
    crash();
    settle();
    resize(4);
    settle();
    for (const auto& id : ids(NodeState::kReady)) loads[id] = 5;
    resize(1);
    settle();
  }
  void resize(int size) { ASSERT_TRUE(controller->set_desired("gpu", size, "test")); }
};

TEST(Warm, DrainedNodesStayParkedUpToTheNumberAndTheRestEnd) {
  WarmWorld world;
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(1));
  EXPECT_THAT(world.ids(NodeState::kDraining), SizeIs(2));
  EXPECT_THAT(world.cloud.ids(), SizeIs(3));
  const PoolStatus status = world.status();
  EXPECT_EQ(status.counts.parked, 2);
  EXPECT_EQ(status.phase, PoolPhase::kSteady) << "parked nodes are at rest";
  EXPECT_THAT(status.phase_reason, HasSubstr("2 parked"));
  EXPECT_EQ(status.phase_cause, PhaseCause::kCounts);
  for (const auto& node : world.controller->nodes("gpu")) {
    if (node.node.state != NodeState::kDraining) continue;
    EXPECT_TRUE(node.parked);
    EXPECT_THAT(node.drain, HasSubstr("parked"));
    EXPECT_EQ(node.drain_phase, "parked");
  }
}

TEST(Warm, GrowthTakesParkedNodesBackInOnePassBeforeItLaunchesAny) {
  WarmWorld world;
  const int launches = world.cloud.calls(pool::testing::Call::kLaunch);
  world.resize(3);
  world.pass();
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(3));
  EXPECT_EQ(world.cloud.calls(pool::testing::Call::kLaunch), launches);
  EXPECT_EQ(world.status().counts.parked, 0);
  EXPECT_EQ(world.status().saved_boots, 2);
}

TEST(Warm, ParkedNodesEndWhenTheirTimeIsOver) {
  WarmWorld world;
  world.clock.advance(minutes{31});
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kDraining), IsEmpty());
  EXPECT_THAT(world.cloud.ids(), SizeIs(1));
}

TEST(Warm, ParkedNodesOutliveTheControllerAndTheDrainTimeout) {
  WarmWorld world;
  const auto parked = world.ids(NodeState::kDraining);
  world.clock.advance(minutes{10});
  world.pass(3);
  world.crash();
  world.pass(5);
  EXPECT_EQ(world.ids(NodeState::kDraining), parked);
  EXPECT_EQ(world.status().counts.parked, 2);
}

TEST(Warm, AParkedNodeWithAFailedDeviceIsLetGo) {
  WarmWorld world;
  const auto parked = world.ids(NodeState::kDraining);
  world.failed_devices[parked[0]] = 1;
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kDraining), ElementsAre(parked[1]));
}

TEST(Warm, ANodeThatAPersonLetsGoIsNotParked) {
  WarmWorld world;
  ASSERT_TRUE(world.controller->release_node(world.ids(NodeState::kReady).at(0), "ann"));
  world.settle();
  EXPECT_EQ(world.status().counts.parked, 1) << "one has come back in its place, and it has ended";
  EXPECT_THAT(world.cloud.ids(), SizeIs(2));
}

TEST(Warm, ParkedGpuHoursAreCountedAsUsedAndBesideThat) {
  const WallTime noon{std::chrono::hours{24 * 365 * 50 + 12}};
  Usage usage = count_usage({}, 8, noon, pool::BudgetPeriod::kDay, 2);
  usage = count_usage(usage, 8, noon + std::chrono::hours{2}, pool::BudgetPeriod::kDay, 2);
  EXPECT_DOUBLE_EQ(usage.gpu_hours, 16);
  EXPECT_DOUBLE_EQ(usage.parked_gpu_hours, 4);
  PoolMemory memory;
  memory.usage = usage;
  EXPECT_EQ(memory_from_text(to_text(memory))->usage, usage);
}

}  // namespace
}  // namespace gpuscale::scaling
