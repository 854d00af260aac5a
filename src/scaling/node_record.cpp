// SPDX-License-Identifier: Apache-2.0
#include "scaling/node_record.h"

#include <array>
#include <utility>

namespace gpuscale::scaling {
namespace {

constexpr std::array<std::pair<DrainCause, std::string_view>, 9> kNames{
    {{DrainCause::kNone, ""},
     {DrainCause::kScaleIn, "scale_in"},
     {DrainCause::kRelease, "release"},
     {DrainCause::kOrphan, "orphan"},
     {DrainCause::kCancel, "cancel"},
     {DrainCause::kBootTimeout, "boot_timeout"},
     {DrainCause::kShutdown, "shutdown"},
     {DrainCause::kSick, "sick"},
     {DrainCause::kHeld, "held"}}};

}  // namespace

std::string_view to_string(DrainCause cause) {
  for (const auto& [value, name] : kNames) {
    if (value == cause) return name;
  }
  return "";
}

DrainCause parse_drain_cause(std::string_view text) {
  for (const auto& [value, name] : kNames) {
    if (name == text) return value;
  }
  return DrainCause::kNone;
}

pool::NodeState state_taken_back(const NodeRecord& record) {
  return record.node.ready_at ? pool::NodeState::kReady : pool::NodeState::kBooting;
}

}  // namespace gpuscale::scaling
