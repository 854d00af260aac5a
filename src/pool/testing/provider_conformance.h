// SPDX-License-Identifier: Apache-2.0
/// What every provider promises, as one type-parameterised suite. A provider's test writes a harness and says
///   INSTANTIATE_TYPED_TEST_SUITE_P(Local, ProviderConformance, LocalHarness);
/// A harness offers:
///   NodeProvider& provider();              the provider under test, over an empty world
///   void reopen();                         a new provider object over the same world, as after a crash
///   void await_running(const NodeId&);     until list() shows it running with its endpoint
///   void await_absent(const NodeId&);      until list() no longer shows it
///   void kill(const NodeId&);              the instance dies without the provider's doing
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "pool/provider.h"

namespace gpuscale::pool::testing {

inline std::size_t count_instances(NodeProvider& provider, const NodeId& id) {
  auto instances = provider.list();
  EXPECT_TRUE(instances.has_value());
  if (!instances) return 0;
  return static_cast<std::size_t>(
      std::count_if(instances->begin(), instances->end(), [&](const Instance& i) { return i.id == id; }));
}

template <typename Harness>
class ProviderConformance : public ::testing::Test {
 protected:
  NodeProvider& provider() { return harness_.provider(); }
  void launch_running(const NodeId& id) {
    ASSERT_TRUE(provider().launch(id));
    harness_.await_running(id);
  }
  Harness harness_;
};
TYPED_TEST_SUITE_P(ProviderConformance);

TYPED_TEST_P(ProviderConformance, AnEmptyWorldHasNoInstances) {
  auto instances = this->provider().list();
  ASSERT_TRUE(instances);
  EXPECT_TRUE(instances->empty());
  EXPECT_FALSE(this->provider().type().empty());
}

TYPED_TEST_P(ProviderConformance, ALaunchedNodeIsListedOnceAndGetsAnEndpoint) {
  const NodeId id("conf-a1");
  this->launch_running(id);
  EXPECT_EQ(count_instances(this->provider(), id), 1U);
}

TYPED_TEST_P(ProviderConformance, LaunchingTheSameIdAgainMakesNoSecondInstance) {
  const NodeId id("conf-a2");
  ASSERT_TRUE(this->provider().launch(id));
  ASSERT_TRUE(this->provider().launch(id));
  this->harness_.await_running(id);
  ASSERT_TRUE(this->provider().launch(id));
  EXPECT_EQ(count_instances(this->provider(), id), 1U);
}

TYPED_TEST_P(ProviderConformance, AReopenedProviderSeesTheSameInstancesAndDoublesNone) {
  const NodeId id("conf-a3");
  this->launch_running(id);
  this->harness_.reopen();
  EXPECT_EQ(count_instances(this->provider(), id), 1U);
  ASSERT_TRUE(this->provider().launch(id));
  EXPECT_EQ(count_instances(this->provider(), id), 1U);
}

TYPED_TEST_P(ProviderConformance, DrainAndUndrainShowInTheWorkloadAndMayBeRepeated) {
  const NodeId id("conf-a4");
  this->launch_running(id);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(this->provider().drain(id));
  auto workload = this->provider().workload(id);
  ASSERT_TRUE(workload);
  EXPECT_TRUE(workload->draining);
  EXPECT_EQ(workload->in_flight, 0);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(this->provider().undrain(id));
  workload = this->provider().workload(id);
  ASSERT_TRUE(workload);
  EXPECT_FALSE(workload->draining);
}

TYPED_TEST_P(ProviderConformance, NodesThatDoNotExistCannotBeDrainedNorAskedButEndAsTheyAre) {
  const NodeId id("conf-none");
  for (const auto& result : {this->provider().drain(id), this->provider().undrain(id)}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::kNotFound);
  }
  EXPECT_FALSE(this->provider().workload(id));
  EXPECT_TRUE(this->provider().terminate(id));
}

TYPED_TEST_P(ProviderConformance, TerminateEndsOnlyTheNodeNamedAndMayBeRepeated) {
  const NodeId first("conf-a5");
  const NodeId second("conf-a6");
  this->launch_running(first);
  this->launch_running(second);
  ASSERT_TRUE(this->provider().terminate(first));
  ASSERT_TRUE(this->provider().terminate(first));
  this->harness_.await_absent(first);
  EXPECT_EQ(count_instances(this->provider(), second), 1U);
  EXPECT_TRUE(this->provider().terminate(first));
}

TYPED_TEST_P(ProviderConformance, AnInstanceThatDiedIsNoLongerListedAndItsWorkIsUnknown) {
  const NodeId id("conf-a7");
  this->launch_running(id);
  this->harness_.kill(id);
  this->harness_.await_absent(id);
  EXPECT_FALSE(this->provider().workload(id));
}

REGISTER_TYPED_TEST_SUITE_P(ProviderConformance, AnEmptyWorldHasNoInstances,
                            ALaunchedNodeIsListedOnceAndGetsAnEndpoint,
                            LaunchingTheSameIdAgainMakesNoSecondInstance,
                            AReopenedProviderSeesTheSameInstancesAndDoublesNone,
                            DrainAndUndrainShowInTheWorkloadAndMayBeRepeated,
                            NodesThatDoNotExistCannotBeDrainedNorAskedButEndAsTheyAre,
                            TerminateEndsOnlyTheNodeNamedAndMayBeRepeated,
                            AnInstanceThatDiedIsNoLongerListedAndItsWorkIsUnknown);

}  // namespace gpuscale::pool::testing
