// SPDX-License-Identifier: Apache-2.0
#include "sim/optimum.h"

#include <gtest/gtest.h>

#include <vector>

namespace gpuscale::sim {
namespace {

PoolParameters parameters(std::int64_t wait) {
  return {.tick_seconds = 5, .boot_seconds = 60, .slo_wait_seconds = wait, .first_nodes = 2};
}

std::vector<double> level(double demand, std::size_t ticks) {
  return std::vector<double>(ticks, demand);
}

TEST(Optimum, OfASteadyLoadIsTheNodesThatItNeeds) {
  const auto found = optimum_for(level(2, 720), parameters(10));
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->node_hours, 2.0, 0.01);
  EXPECT_EQ(found->step_nodes, 1);
}

TEST(Optimum, PaysForTheBootsAndDrainsOfASwing) {
  std::vector<double> demand = level(2, 240);
  const auto high = level(4, 240);
  demand.insert(demand.end(), high.begin(), high.end());
  const auto back = level(2, 240);
  demand.insert(demand.end(), back.begin(), back.end());
  const auto found = optimum_for(demand, parameters(0));
  ASSERT_TRUE(found);
  // 20 min of 2, 20 of 4, 20 of 2, and two nodes that boot for 60 s and drain for 30.
  EXPECT_NEAR(found->node_hours, (2.0 + 4.0 + 2.0) / 3 + 2.0 * 90 / 3600, 0.001);
}

TEST(Optimum, KeepsANodeThroughAPauseShorterThanItsBootAndDrain) {
  std::vector<double> demand = level(2, 100);
  demand.insert(demand.end(), 10, 1.0);
  demand.insert(demand.end(), 100, 2.0);
  const auto found = optimum_for(demand, parameters(0));
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->node_hours, 2.0 * 210 * 5 / 3600, 0.001);
}

TEST(Optimum, LetsABurstWaitInsteadOfBuyingForIt) {
  std::vector<double> demand = level(2, 200);
  demand[100] = 3;
  demand[101] = 1;
  const auto patient = optimum_for(demand, parameters(10));
  const auto hasty = optimum_for(demand, parameters(0));
  ASSERT_TRUE(patient && hasty);
  EXPECT_NEAR(patient->node_hours, 2.0 * 200 * 5 / 3600, 0.005);
  EXPECT_GT(hasty->node_hours, patient->node_hours);
}

TEST(Optimum, KeepsToTheMinimumOfThePool) {
  PoolParameters bounded = parameters(10);
  bounded.min_nodes = 2;
  const auto found = optimum_for(level(0.1, 720), bounded);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->node_hours, 2.0, 0.01);
}

TEST(Optimum, DoesNotExistWhereTheFirstBootComesTooLate) {
  EXPECT_FALSE(optimum_for(level(5, 100), parameters(10)));
  EXPECT_FALSE(optimum_for({}, parameters(10)));
}

TEST(Optimum, TakesLargerStepsWhereTheSearchWouldNotEnd) {
  PoolParameters large = parameters(10);
  large.first_nodes = 4'000;
  const auto found = optimum_for(level(4'000, 2'000), large, 1e7);
  ASSERT_TRUE(found);
  EXPECT_GT(found->step_nodes, 1);
  EXPECT_NEAR(found->node_hours, 4'000 * 2'000 * 5 / 3600.0, 4'000 * 2'000 * 5 / 3600.0 * 0.15);
}

}  // namespace
}  // namespace gpuscale::sim
