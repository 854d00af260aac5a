// SPDX-License-Identifier: Apache-2.0
/// Pools of unlike nodes: several GPU classes, several zones.
#include "scaling/class_load.h"

#include <gmock/gmock.h>

#include <cmath>

#include "metrics/line_protocol.h"
#include "metrics/telemetry.h"
#include "scaling/store_telemetry.h"
#include "scaling/tests/controller_fixture.h"

namespace gpuscale::scaling {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kFast = "NVIDIA H100 80GB HBM3 (80 GiB)";
constexpr const char* kSlow = "NVIDIA L4 (24 GiB)";

std::vector<ClassLoad> two_classes(int fast, double fast_work, int slow, double slow_work) {
  return {{.gpu_class = kFast, .nodes = fast, .work_now = fast_work, .work = fast_work},
          {.gpu_class = kSlow, .nodes = slow, .work_now = slow_work, .work = slow_work}};
}

TEST(Departures, OneClassIsTheOldFormula) {
  const Departures alike({{.gpu_class = kFast, .nodes = 3, .work = 0.81}}, false, 45);
  EXPECT_NEAR(alike.burden_without(kFast).percent, 40.5, 1e-9);
  EXPECT_TRUE(alike.may_go(kFast));
}

TEST(Departures, AClassBearsItsOwnWorkThoughThePoolAsAWholeWouldBearIt) {
  // Two H100 at 50 % each beside six idle L4: over all nodes that would be 14 % on seven.
  const Departures mixed(two_classes(2, 1.0, 6, 0.0), false, 60);
  EXPECT_FALSE(mixed.may_go(kFast));
  EXPECT_EQ(mixed.burden_without(kFast).gpu_class, kFast);
  EXPECT_NEAR(mixed.burden_without(kFast).percent, 100, 1e-9);
  EXPECT_TRUE(mixed.may_go(kSlow));
}

TEST(Departures, AClassThatIsBusyKeepsTheOthersToo) {
  // Where every node gets as many requests, the L4s at 55 % would have 73 % once one H100 of four nodes goes.
  const Departures mixed(two_classes(2, 0.2, 2, 1.1), false, 60);
  EXPECT_FALSE(mixed.may_go(kFast));
  EXPECT_EQ(mixed.burden_without(kFast).gpu_class, kSlow);
  EXPECT_NEAR(mixed.burden_without(kFast).percent, 55 * 4 / 3.0, 1e-9);
}

TEST(Departures, TheLastOfAClassGoesOnlyWhereItDoesNothing) {
  Departures idle(two_classes(1, 0.0, 3, 0.3), false, 60);
  EXPECT_TRUE(idle.may_go(kFast));
  idle.take(kFast);
  EXPECT_FALSE(idle.may_go(kFast)) << "there is no other";
  const Departures busy(two_classes(1, 0.3, 3, 0.3), false, 60);
  EXPECT_FALSE(busy.may_go(kFast));
  EXPECT_TRUE(std::isinf(busy.burden_without(kFast).percent));
}

TEST(Departures, KnownCapacitiesLetOneClassBearAnothersWork) {
  auto classes = two_classes(1, 0.3, 4, 0.4);
  classes[0].capacity = 4;  // an H100 counts four L4
  const Departures mixed(classes, true, 60);
  // Eight L4's worth, 30 % and 10 %: the H100's 1.2 and the L4s' 0.4 are 40 % of the four L4 that stay.
  EXPECT_TRUE(mixed.may_go(kFast));
  EXPECT_NEAR(mixed.burden_without(kFast).percent, 40, 1e-9);
  classes[0].work = 0.6;
  EXPECT_FALSE(Departures(classes, true, 60).may_go(kFast)) << "70 %";
}

TEST(Departures, ACapacityIsThatOfTheLongestBeginningThatFits) {
  const std::map<std::string, double> known{{"NVIDIA", 1}, {"NVIDIA H100", 2.5}};
  EXPECT_EQ(capacity_of(kFast, known), 2.5);
  EXPECT_EQ(capacity_of(kSlow, known), 1);
  EXPECT_EQ(capacity_of("AMD Instinct MI300X", known), std::nullopt);
}

/// A settled pool whose agents tell a class and a zone for each node.
class UnlikeNodes : public ::testing::Test {
 protected:
  UnlikeNodes() : world(1, 8) { world.spec.scale_in.ceiling = 60; }

  void grow(int n) {
    world.crash();
    world.settle();
    ASSERT_TRUE(world.controller->set_desired("gpu", n, "test"));
    world.settle();
    ASSERT_THAT(world.ids(NodeState::kReady), SizeIs(n));
    world.agents_report = false;
  }
  void report(const std::string& id, double load, const std::string& gpu_class,
              const std::string& zone = "") {
    world.telemetry.set(id, {.last_report = world.clock.wall(),
                             .devices_ok = 1,
                             .devices_measured = 1,
                             .utilization = load,
                             .utilization_peak = load,
                             .utilization_now = load,
                             .in_flight = 0,
                             .gpu_class = gpu_class,
                             .zone = zone});
  }
  template <typename Tell>
  void pass(int n, const Tell& tell) {
    for (int i = 0; i < n; ++i) {
      tell();
      world.pass();
    }
  }
  NodeStatus status_of(const std::string& id) const {
    const auto all = world.controller->nodes("gpu");
    for (const NodeStatus& status : all) {
      if (status.node.id.value() == id) return status;
    }
    ADD_FAILURE() << "no node " << id;
    return all.front();
  }

  World world;
};

TEST_F(UnlikeNodes, ABusyClassLosesNoNodeAndTheLedgerSaysWhy) {
  grow(4);
  const auto ids = world.ids(NodeState::kReady);
  const auto tell = [&] {
    report(ids[0], 50, kFast);
    report(ids[1], 40, kFast);
    report(ids[2], 0, kSlow);
    report(ids[3], 0, kSlow);
  };
  pass(5, tell);
  ASSERT_TRUE(world.controller->set_desired("gpu", 1, "test"));
  pass(400, tell);
  EXPECT_THAT(world.ids(NodeState::kReady), ElementsAre(ids[0], ids[1]));
  EXPECT_THAT(world.status().phase_reason, HasSubstr("the survivors would have 90.0 % on 1 node"));
  const NodeStatus status = status_of(ids[1]);
  EXPECT_FALSE(status.victim.spared);
}

TEST_F(UnlikeNodes, ThePeakOfAClassCountsNotItsMoment) {
  grow(4);
  const auto ids = world.ids(NodeState::kReady);
  const auto tell = [&](double fast) {
    return [this, &ids, fast] {
      report(ids[0], fast, kFast);
      report(ids[1], fast, kFast);
      report(ids[2], 20, kSlow);
      report(ids[3], 20, kSlow);
    };
  };
  pass(10, tell(50));
  pass(5, tell(1));
  ASSERT_TRUE(world.controller->set_desired("gpu", 3, "test"));
  pass(100, tell(1));
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(4))
      << "seconds ago one H100 would have had 100 %, and three of four nodes 67 %";
  world.clock.advance(minutes{1});
  pass(100, tell(1));
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(3));
}

TEST_F(UnlikeNodes, NoZoneIsEmptiedWhileAnotherKeepsANode) {
  grow(4);
  const auto ids = world.ids(NodeState::kReady);
  const auto tell = [&] {
    report(ids[0], 2, kFast, "b");  // the least at work, and the only one of its zone
    report(ids[1], 3, kFast, "a");
    report(ids[2], 4, kFast, "a");
    report(ids[3], 5, kFast, "a");
  };
  pass(5, tell);
  EXPECT_EQ(status_of(ids[0]).victim_rank, 3);
  EXPECT_THAT(status_of(ids[0]).victim_reason, HasSubstr("since zone b has no other"));
  ASSERT_TRUE(world.controller->set_desired("gpu", 2, "test"));
  pass(400, tell);
  EXPECT_THAT(world.ids(NodeState::kReady), ElementsAre(ids[0], ids[3]));
  ASSERT_TRUE(world.controller->set_desired("gpu", 1, "test"));
  pass(400, tell);
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(1)) << "put off, not forbidden";
}

TEST(StoreTelemetry, TellsClassZoneAndMemoryOfWhatTheAgentsWrote) {
  const base::testing::ManualClock clock;
  const auto store = *tsdb::Store::open({":memory:", {}}, clock, log::Log::silent());
  const std::string text =
      "node,cluster=c,pool=gpu,node=n1,zone=b devices_ok=2i,devices_failed=0i\n"
      "gpu,cluster=c,pool=gpu,node=n1,gpu=0,uuid=u0,model=NVIDIA\\ H100 "
      "utilization_gpu=10,memory_total_bytes=85899345920i,memory_used_bytes=1073741824i\n"
      "gpu,cluster=c,pool=gpu,node=n1,gpu=1,uuid=u1,model=NVIDIA\\ H100 "
      "utilization_gpu=30,memory_total_bytes=85899345920i,memory_used_bytes=2147483648i\n"
      "node,cluster=c,pool=gpu,node=n2 devices_ok=1i,devices_failed=0i\n"
      "gpu,cluster=c,pool=gpu,node=n2,gpu=0,uuid=u2,model=A100,mig=1g.10gb/7 utilization_gpu=5\n"
      "node,cluster=c,pool=gpu,node=n3 devices_ok=1i,devices_failed=0i\n";
  const auto lines =
      metrics::parse_lines(text, metrics::Precision::kNanos, base::to_unix_nanos(clock.wall()));

  ASSERT_THAT(lines.points, SizeIs(6));
  ASSERT_TRUE(store->create_database(metrics::kDefaultDatabase, std::nullopt));
  ASSERT_TRUE(store->write(metrics::kDefaultDatabase, "", lines.points));
  StoreTelemetry telemetry(*store, "c");
  const TelemetryByNode said = *telemetry.nodes_of("gpu", clock.wall(), seconds{15});
  EXPECT_EQ(said.at("n1").gpu_class, "2 x NVIDIA H100 (80 GiB)");
  EXPECT_EQ(said.at("n1").zone, "b");
  EXPECT_EQ(said.at("n1").memory_used, std::int64_t{3} << 30);
  EXPECT_EQ(said.at("n1").utilization, 20);
  EXPECT_EQ(said.at("n2").gpu_class, "A100 MIG 1g.10gb");
  EXPECT_EQ(said.at("n2").zone, "");
  EXPECT_EQ(said.at("n2").memory_used, std::nullopt);
  EXPECT_EQ(said.at("n3").gpu_class, "");
}

TEST(CostToMove, NamesWhatIsKnown) {
  EXPECT_EQ(cost_to_move({}), "");
  EXPECT_EQ(cost_to_move({.in_flight = 1}), "1 request in flight");
  EXPECT_EQ(cost_to_move({.in_flight = 3, .memory_used = std::int64_t{66} << 30}),
            "3 requests in flight, 66.0 GiB of GPU memory held");
}

}  // namespace
}  // namespace gpuscale::scaling
