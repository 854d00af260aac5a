// SPDX-License-Identifier: Apache-2.0
#include "sim/pool_model.h"

#include <gmock/gmock.h>

#include <cmath>
#include <deque>

#include "policy/catalogue.h"

namespace gpuscale::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Asks for these sizes, one a period; the last one from then on.
class Scripted : public policy::Policy {
 public:
  explicit Scripted(std::deque<std::int64_t> sizes) : sizes_(std::move(sizes)) {}
  std::int64_t period_seconds() const override { return 1; }
  std::optional<std::int64_t> decide(const policy::PoolView&) override {
    const std::int64_t size = sizes_.front();
    if (sizes_.size() > 1) sizes_.pop_front();
    return size;
  }
  std::string reason() const override { return "as scripted"; }

 private:
  std::deque<std::int64_t> sizes_;
};

PoolParameters of_seconds(std::int64_t boot, std::int64_t drain) {
  PoolParameters p;
  p.tick_seconds = 1;
  p.boot_seconds = boot;
  p.drain_seconds = drain;
  p.min_nodes = 0;
  return p;
}

TEST(PoolModel, ANodeIsPaidFromLaunchAndServesAfterItsBoot) {
  Scripted policy({2});
  std::vector<std::int64_t> ready;
  const std::vector<double> demand(6, 0.0);
  const Outcome out =
      run_pool(demand, of_seconds(3, 0), &policy, [&](const TickRecord& t) { ready.push_back(t.ready); });
  EXPECT_THAT(ready, ElementsAre(1, 1, 1, 1, 2, 2));
  EXPECT_EQ(out.paid_ticks, 1 + 5 * 2);
  EXPECT_EQ(out.launches, 1);
}

TEST(PoolModel, AReleasedNodeIsPaidWhileItDrains) {
  Scripted policy({0});
  const Outcome out = run_pool(std::vector<double>(6, 0.0), of_seconds(3, 2), &policy);
  EXPECT_EQ(out.paid_ticks, 1 + 2);
  EXPECT_EQ(out.removals, 1);
}

TEST(PoolModel, TheNewestLaunchIsCalledOffFirstAndForNothing) {
  Scripted policy({3, 2});
  std::vector<std::int64_t> booting;
  run_pool(std::vector<double>(4, 0.0), of_seconds(9, 9), &policy, [&](const TickRecord& t) {
    booting.push_back(t.booting);
    EXPECT_EQ(t.draining, 0);
  });
  EXPECT_THAT(booting, ElementsAre(0, 2, 1, 1));
}

TEST(PoolModel, WorkWaitsIsLateAndIsLost) {
  PoolParameters p = of_seconds(0, 0);
  p.slo_wait_seconds = 1;
  p.patience_seconds = 3;
  std::vector<double> demand(20, 0.0);
  demand[0] = 10;  // ten node-seconds for one node: served after 0..3 s, then the rest is too old
  const Outcome out = run_pool(demand, p, nullptr);
  EXPECT_DOUBLE_EQ(out.offered, 10);
  EXPECT_DOUBLE_EQ(out.served, 4);
  EXPECT_DOUBLE_EQ(out.late, 2);
  EXPECT_DOUBLE_EQ(out.lost, 6);
  EXPECT_DOUBLE_EQ(out.bad(), 0.8);
  EXPECT_EQ(out.wait_quantile(0.2), 1);
  EXPECT_EQ(out.wait_quantile(0.99), std::nullopt);
}

TEST(PoolModel, NoWorkIsMadeOrForgotten) {
  for (const policy::PolicyKind& kind : policy::policy_kinds()) {
    std::vector<double> demand;
    for (int t = 0; t < 3'000; ++t)
      demand.push_back(std::max(0.0, 5 + 4 * std::sin(t / 200.0)) + (t % 700 == 0 ? 30 : 0));
    PoolParameters p;
    p.tick_seconds = 1;
    p.max_nodes = 40;
    p.first_nodes = 5;
    const auto policy = policy::make_policy(*policy::PolicyChoice::parse(kind.name));
    std::int64_t most = 0;
    const Outcome out = run_pool(demand, p, policy.get(),
                                 [&](const TickRecord& t) { most = std::max(most, t.ready + t.booting); });
    double waited = 0;
    for (const auto& [ticks, work] : out.served_after) waited += work;
    EXPECT_NEAR(waited + out.lost, out.offered, 1e-6) << kind.name;
    EXPECT_LE(most, 40) << kind.name;
  }
}

TEST(PoolModel, RandomBootsAreTheSameEachTime) {
  PoolParameters p = of_seconds(60, 0);
  p.boot_model = BootModel::kRandom;
  const auto ready_after = [&](std::uint64_t seed) {
    p.boot_seed = seed;
    Scripted policy({20});
    std::vector<std::int64_t> ready;
    run_pool(std::vector<double>(200, 0.0), p, &policy,
             [&](const TickRecord& t) { ready.push_back(t.ready); });
    return ready;
  };
  EXPECT_EQ(ready_after(7), ready_after(7));
  EXPECT_NE(ready_after(7), ready_after(8));
  EXPECT_EQ(ready_after(7)[30], 1) << "half of the boot time is certain";
}

TEST(PoolModel, FindsTheSmallestPoolThatIsGood) {
  std::vector<double> demand(600, 2.5);
  demand[500] = 40;
  PoolParameters p = of_seconds(60, 30);
  EXPECT_EQ(first_nodes_for(demand, p), 3);
  const std::int64_t peak = peak_nodes_for(demand, p);
  p.first_nodes = peak;
  EXPECT_EQ(run_pool(demand, p, nullptr).bad(), 0);
  p.first_nodes = peak - 1;
  EXPECT_GT(run_pool(demand, p, nullptr).bad(), 0);
}

/// Wants what its list says, tick by tick.
class Script final : public policy::Policy {
 public:
  explicit Script(std::vector<std::int64_t> wants) : wants_(std::move(wants)) {}
  std::int64_t period_seconds() const override { return 1; }
  std::optional<std::int64_t> decide(const policy::PoolView& view) override {
    return wants_[std::min(static_cast<std::size_t>(view.tick), wants_.size() - 1)];
  }
  std::string reason() const override { return "as scripted"; }

 private:
  std::vector<std::int64_t> wants_;
};

TEST(PoolModel, ParkedNodesReturnAtOnceArePaidAndEndWhenTheirTimeIsOver) {
  const std::vector<double> demand(40, 1.0);
  PoolParameters p = of_seconds(60, 0);
  p.first_nodes = 4;
  p.warm_nodes = 2;
  p.warm_seconds = 10;
  Script script({4, 1, 1, 2, 2});  // three are released, one returns
  const Outcome out = run_pool(demand, p, &script);
  EXPECT_EQ(out.launches, 0);
  EXPECT_EQ(out.returns, 1);
  EXPECT_EQ(out.parked_ticks, 2 * 2 + 8) << "two for two ticks, one until ten ticks are over";
  EXPECT_EQ(out.paid_ticks, 4 + 2 * 1 + 37 * 2 + out.parked_ticks);
  EXPECT_EQ(out.bad(), 0);
}

TEST(PoolModel, RefusesParametersThatAreNoWholeTicks) {
  PoolParameters p;
  EXPECT_TRUE(check(p));
  p.boot_seconds = 61;
  EXPECT_THAT(check(p).error().message(), HasSubstr("the boot time of 61 s must be whole ticks of 5 s"));
  p.boot_seconds = -5;
  EXPECT_FALSE(check(p));
  p = {};
  p.min_nodes = 3;
  p.max_nodes = 2;
  EXPECT_FALSE(check(p));
}

}  // namespace
}  // namespace gpuscale::sim
