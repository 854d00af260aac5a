// SPDX-License-Identifier: Apache-2.0
#include "scaling/pilot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scaling/tests/controller_fixture.h"

namespace gpuscale::scaling {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

policy::PolicySpec flying(const std::string& name, const std::string& choice) {
  return {name, "gpu", *policy::PolicyChoice::parse(choice), false, 60};
}

/// A world whose every device is so busy, for so many looks of the pilot; boots end at once.
void live(World& world, Pilot& pilot, double percent, int looks) {
  for (int i = 0; i < looks; ++i) {
    world.loads.clear();
    for (const auto& id : world.cloud.ids()) world.loads[id] = percent;
    world.clock.advance(seconds{policy::Council::kTickSeconds});
    world.cloud.finish_boots();
    world.pass(3);
    pilot.tick(world.clock.wall());
  }
}

std::unique_ptr<Pilot> pilot_of(World& world) {
  auto opened =
      Pilot::open({*world.database, *world.controller, *world.ledger, world.clock, log::Log::silent()});
  EXPECT_TRUE(opened);
  return *std::move(opened);
}

TEST(Pilot, GrowsABusyPoolAndTheLedgerSaysWhichPolicyDecided) {
  World world;
  world.settle();
  const auto pilot = pilot_of(world);
  ASSERT_TRUE(pilot->set_policies({flying("track", "target_tracking=0.5"), flying("calm", "static=2")}));
  live(world, *pilot, 90, 30);
  EXPECT_GE(world.status().desired, 4);
  EXPECT_LE(world.status().desired, 6) << "the pool's bounds hold for policies";
  EXPECT_THAT(world.entries("pool.desired"),
              Contains(Field(&activity::Entry::summary, HasSubstr("policy track (utilisation 90"))));
}

TEST(Pilot, ShrinksAnIdlePoolButNotWhileANodeIsSilent) {
  World world;
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", 5, "test"));
  world.settle();
  const auto pilot = pilot_of(world);
  ASSERT_TRUE(pilot->set_policies({flying("track", "target_tracking=0.5")}));
  auto blind = world.controller->nodes("gpu");
  blind[0].telemetry.utilization.reset();
  EXPECT_FALSE(observe(world.status(), blind).complete);
  live(world, *pilot, 2, 150);
  EXPECT_EQ(world.status().desired, 2);
}

TEST(Pilot, LeavesAPausedPoolAlone) {
  World world;
  world.settle();
  ASSERT_TRUE(world.controller->set_hold("gpu", {.mode = HoldMode::kPaused, .who = "test"}));
  const auto pilot = pilot_of(world);
  ASSERT_TRUE(pilot->set_policies({flying("track", "target_tracking=0.5")}));
  live(world, *pilot, 90, 30);
  EXPECT_EQ(world.status().desired, 2);
}

TEST(Pilot, KeepsWhatItLearnedThroughARestart) {
  World world;
  world.settle();
  {
    const auto pilot = pilot_of(world);
    ASSERT_TRUE(pilot->set_policies({flying("look", "lookout")}));
    live(world, *pilot, 40, 40);
    pilot->start();
    pilot->stop();
  }
  const auto again = pilot_of(world);
  ASSERT_TRUE(again->set_policies({flying("look", "lookout")}));
  const auto learned = world.database->read<std::string>([](db::Transaction& tx) -> Result<std::string> {
    GS_TRY(auto rows, tx.prepare("SELECT learned FROM policy_state WHERE policy = 'look'"));
    GS_TRY(const bool more, rows.step());
    return more ? rows.text(0) : std::string();
  });
  ASSERT_TRUE(learned);
  EXPECT_THAT(*learned, HasSubstr("lookout/5 "));
}

TEST(Pilot, RefusesWhatContradictsItself) {
  World world;
  const auto pilot = pilot_of(world);
  EXPECT_THAT(pilot->set_policies({flying("a", "hpa"), flying("a", "hpa")}).error().message(),
              HasSubstr("named twice"));
  EXPECT_THAT(pilot->set_policies({flying("a", "keda")}).error().message(), HasSubstr("rate of requests"));
}

TEST(Pilot, LearnsHowLongBootsTake) {
  std::vector<NodeStatus> nodes(10,
                                NodeStatus{pool::Node{pool::NodeId("n"), pool::PoolName("gpu")}, {}, 0, ""});
  for (int i = 0; i < 10; ++i) {
    nodes[static_cast<std::size_t>(i)].node.ready_at = nodes[0].node.created + seconds{60 + i};
  }
  EXPECT_EQ(boot_seconds_of(nodes), 68);
  nodes.erase(nodes.begin() + 2, nodes.end());
  EXPECT_FALSE(boot_seconds_of(nodes));
}

}  // namespace
}  // namespace gpuscale::scaling
