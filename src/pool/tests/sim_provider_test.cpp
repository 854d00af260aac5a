// SPDX-License-Identifier: Apache-2.0
/// The simulated cloud over nodes that a test holds.
#include "pool/providers/sim/sim_provider.h"

#include <gmock/gmock.h>

#include "base/testing/manual_clock.h"
#include "pool/provider_registry.h"
#include "pool/testing/fake_provider.h"
#include "pool/testing/provider_conformance.h"

namespace gpuscale::pool::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SimWorld {
 public:
  SimWorld() : SimWorld(sim::SimOptions{}) {}
  explicit SimWorld(sim::SimOptions options) : options_(std::move(options)) {
    options_.seed = 7;
    reopen();
  }
  NodeProvider& provider() { return *provider_; }
  void reopen() {
    provider_ = std::make_unique<sim::SimProvider>(std::make_unique<FakeProvider>(cloud), options_, clock);
  }
  void await_running(const NodeId& id) {
    clock.advance(2 * options_.boot);
    (void)provider_->list();
    if (cloud.machine(id.value())) cloud.finish_boot(id.value());
  }
  void await_absent(const NodeId& id) { EXPECT_EQ(count_instances(*provider_, id), 0U); }
  void kill(const NodeId& id) { cloud.vanish(id.value()); }

  base::testing::ManualClock clock;
  FakeCloud cloud;

 private:
  sim::SimOptions options_;
  std::unique_ptr<NodeProvider> provider_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Sim, ProviderConformance, SimWorld);

TEST(SimCloud, ABootTakesItsTimeAndShowsHowMuchIsLeft) {
  SimWorld world({.boot = 60s, .boot_spread = 0});
  ASSERT_TRUE(world.provider().launch(NodeId("a")));
  world.clock.advance(45s);
  const auto booting = *world.provider().list();
  ASSERT_THAT(booting, SizeIs(1));
  EXPECT_EQ(booting[0].state, InstanceState::kStarting);
  EXPECT_EQ(booting[0].detail, "boots for another 15s");
  EXPECT_THAT(world.cloud.ids(), IsEmpty()) << "nothing runs yet";
  world.clock.advance(15s);
  ASSERT_TRUE(world.provider().list());
  EXPECT_THAT(world.cloud.ids(), ElementsAre("a"));
}

TEST(SimCloud, ABootThatFailsStaysInTheListAndNeverRuns) {
  SimWorld world({.boot = 10s, .boot_failures = 100});
  ASSERT_TRUE(world.provider().launch(NodeId("a")));
  world.clock.advance(1h);
  const auto all = *world.provider().list();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].state, InstanceState::kStarting);
  EXPECT_THAT(world.cloud.ids(), IsEmpty());
  ASSERT_TRUE(world.provider().terminate(NodeId("a")));
  EXPECT_THAT(*world.provider().list(), IsEmpty());
}

TEST(SimCloud, AnEmptyStockIsRefusedAsNoCapacityAndHasRoomAgainOnceANodeEnds) {
  SimWorld world({.boot = 0s, .capacity = 1});
  ASSERT_TRUE(world.provider().launch(NodeId("a")));
  const auto refused = world.provider().launch(NodeId("b"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kExhausted);
  EXPECT_THAT(refused.error().message(), HasSubstr("capacity is 1"));
  ASSERT_TRUE(world.provider().terminate(NodeId("a")));
  EXPECT_TRUE(world.provider().launch(NodeId("b")));
}

TEST(SimCloud, CallsThatFailDoNothingAndRepliesThatAreLostHaveDoneTheirWork) {
  SimWorld failing({.boot = 0s, .call_failures = 100});
  EXPECT_FALSE(failing.provider().launch(NodeId("a")));
  EXPECT_FALSE(failing.provider().list());
  SimWorld losing({.boot = 0s, .lost_replies = 100});
  const auto lost = losing.provider().launch(NodeId("a"));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), Errc::kTimeout);
  EXPECT_FALSE(losing.provider().list());
  EXPECT_THAT(losing.cloud.ids(), ElementsAre("a"));
}

TEST(SimCloud, NodesDieAboutAsOftenAsTheirLifeSays) {
  SimWorld world({.boot = 0s, .life = 1h});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(world.provider().launch(NodeId("n" + std::to_string(i))));
  ASSERT_TRUE(world.provider().list());
  world.cloud.finish_boots();
  for (int minute = 0; minute < 60; ++minute) {
    world.clock.advance(1min);
    ASSERT_TRUE(world.provider().list());
  }
  EXPECT_GT(world.cloud.ids().size(), 20U);
  EXPECT_LT(world.cloud.ids().size(), 55U) << "of 100, 37 are left after their mean life";
}

TEST(SimCloud, EachNodeKeepsItsZoneOverARestart) {
  SimWorld world({.boot = 0s, .zones = {"a", "b"}});
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(world.provider().launch(NodeId("n" + std::to_string(i))));
  const auto before = *world.provider().list();
  world.reopen();
  const auto after = *world.provider().list();
  int in_a = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].zone, after[i].zone);
    in_a += before[i].zone == "a" ? 1 : 0;
  }
  EXPECT_GT(in_a, 0);
  EXPECT_LT(in_a, 8);
}

TEST(SimCloud, RefusesWhatMakesNoSense) {
  const auto fault_of = [](std::map<std::string, std::string> options) {
    const auto faults = faults_of({.type = "sim", .options = std::move(options)});
    return faults.empty() ? std::string() : faults.front();
  };
  EXPECT_EQ(fault_of({{"boot", "90s"}, {"boot_failures", "5%"}, {"zones", "a b"}, {"service_time", "5ms"}}),
            "");
  EXPECT_THAT(fault_of({{"boot_failures", "120"}}), HasSubstr("no number from 0 to 100"));
  EXPECT_THAT(fault_of({{"capacity", "0"}}), HasSubstr("no number from 1 to 100000"));
  EXPECT_THAT(fault_of({{"boot", "soon"}}), HasSubstr("boot"));
  EXPECT_THAT(fault_of({{"command", "vllm"}}), HasSubstr("unknown option \"command\"; known: boot,"));
}

}  // namespace
}  // namespace gpuscale::pool::testing
