// SPDX-License-Identifier: Apache-2.0
#include "pool/node.h"

#include <gtest/gtest.h>

#include "pool/providers/local/options.h"

namespace gpuscale::pool {
namespace {

TEST(NodeState, NamesReadBackAsTheSameState) {
  for (const NodeState state : {NodeState::kLaunching, NodeState::kBooting, NodeState::kReady,
                                NodeState::kDraining, NodeState::kGone}) {
    EXPECT_EQ(parse_node_state(to_string(state)), state);
  }
  EXPECT_FALSE(parse_node_state("idle"));
}

TEST(PoolCounts, DrainingAndGoneNodesAreNoCapacity) {
  PoolCounts counts;
  for (const NodeState state : {NodeState::kLaunching, NodeState::kBooting, NodeState::kReady,
                                NodeState::kReady, NodeState::kDraining, NodeState::kGone}) {
    counts.add(state);
  }
  EXPECT_EQ(counts.capacity(), 4);
  EXPECT_EQ(counts.ready, 2);
  EXPECT_EQ(counts.draining, 1);
}

TEST(LocalOptions, TakeTheKnownKeys) {
  local::LocalProviderOptions options;
  ASSERT_TRUE(local::apply_options(
      {{"service_time", "35ms"}, {"interval", "500ms"}, {"max_queue", "64"}, {"source", "virtual"}},
      options));
  EXPECT_EQ(options.service_time, std::chrono::milliseconds{35});
  EXPECT_EQ(options.interval, std::chrono::milliseconds{500});
  EXPECT_EQ(options.max_queue, 64);
}

struct BadOption {
  const char* name;
  const char* key;
  const char* value;
  const char* says;
};
class BadOptions : public ::testing::TestWithParam<BadOption> {};

TEST_P(BadOptions, AreRefusedWithTheirName) {
  local::LocalProviderOptions options;
  const auto result = local::apply_options({{GetParam().key, GetParam().value}}, options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::kInvalidArgument);
  EXPECT_NE(result.error().message().find(GetParam().says), std::string::npos) << result.error().message();
}
INSTANTIATE_TEST_SUITE_P(Table, BadOptions,
                         ::testing::Values(BadOption{"UnknownKey", "servicetime", "1ms", "known: command"},
                                           BadOption{"ZeroInterval", "interval", "0s", "over 0"},
                                           BadOption{"TextAsDuration", "service_time", "soon", "soon"},
                                           BadOption{"NegativeQueue", "max_queue", "-1", "max_queue"},
                                           BadOption{"QueueWithTail", "max_queue", "5x", "5x"},
                                           BadOption{"UnknownSource", "source", "dcgm",
                                                     "known: amdgpu, auto"},
                                           BadOption{"GpusWithoutCommand", "gpus", "0", "needs a command"},
                                           BadOption{"GpuTwice", "gpus", "0,0", "named twice"},
                                           BadOption{"GpuWithoutNumber", "gpus", "a", "neither an index"},
                                           BadOption{"ReadyWithoutSlash", "ready", "health", "/health"},
                                           BadOption{"InferenceWithoutServer", "inference", "x", "vllm="}),
                         [](const auto& case_info) { return std::string(case_info.param.name); });

}  // namespace
}  // namespace gpuscale::pool
