// SPDX-License-Identifier: Apache-2.0
#include "pool/node.h"

#include <array>
#include <utility>

namespace gpuscale::pool {
namespace {

constexpr std::array<std::pair<NodeState, std::string_view>, 5> kNames{{{NodeState::kLaunching, "launching"},
                                                                        {NodeState::kBooting, "booting"},
                                                                        {NodeState::kReady, "ready"},
                                                                        {NodeState::kDraining, "draining"},
                                                                        {NodeState::kGone, "gone"}}};

}  // namespace

std::string_view to_string(NodeState state) {
  for (const auto& [value, name] : kNames) {
    if (value == state) return name;
  }
  return "unknown";
}

std::optional<NodeState> parse_node_state(std::string_view text) {
  for (const auto& [value, name] : kNames) {
    if (name == text) return value;
  }
  return std::nullopt;
}

void PoolCounts::add(NodeState state) {
  switch (state) {
    case NodeState::kLaunching:
      ++launching;
      break;
    case NodeState::kBooting:
      ++booting;
      break;
    case NodeState::kReady:
      ++ready;
      break;
    case NodeState::kDraining:
      ++draining;
      break;
    case NodeState::kGone:
      break;
  }
}

}  // namespace gpuscale::pool
