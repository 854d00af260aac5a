// SPDX-License-Identifier: Apache-2.0
#include "scaling/roster.h"

#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace gpuscale::scaling {

using pool::NodeState;

Roster::Roster(ReconcileInput& input)
    : input_(input),
      nodes_(input.nodes),
      given_(nodes_.size()),
      changed_(nodes_.size()),
      instances_(nodes_.size()),
      telemetry_(nodes_.size()),
      marks_(nodes_.size()) {
  std::unordered_map<std::string_view, std::size_t> at;
  at.reserve(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    at.emplace(nodes_[i].record.node.id.value(), i);
    ++counts_[static_cast<std::size_t>(nodes_[i].record.node.state)];
  }
  if (input.instances) {
    std::unordered_set<std::string_view> strange;
    for (const pool::Instance& instance : *input.instances) {
      const auto found = at.find(instance.id.value());
      if (found == at.end()) {
        if (strange.insert(instance.id.value()).second) strangers_.push_back(&instance);
      } else if (instances_[found->second] == nullptr) {
        instances_[found->second] = &instance;
      }
    }
  }
  if (!input.telemetry) return;
  for (const auto& [id, said] : *input.telemetry) {
    if (const auto found = at.find(id); found != at.end()) telemetry_[found->second] = &said;
  }
}

Roster::~Roster() {
  for (auto& [index, view] : before_) nodes_[index] = std::move(view);
  nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(given_), nodes_.end());
}

std::string_view Roster::zone(const NodeView& view) const {
  const pool::Instance* shown = instance(view);
  if (shown != nullptr && !shown->zone.empty()) return shown->zone;
  const NodeTelemetry* said = telemetry(view);
  return said == nullptr ? std::string_view() : std::string_view(said->zone);
}

void Roster::admit(NodeView view, const pool::Instance& instance) {
  ++counts_[static_cast<std::size_t>(view.record.node.state)];
  const NodeTelemetry* said = nullptr;
  if (input_.telemetry) {
    if (const auto found = input_.telemetry->find(instance.id.value()); found != input_.telemetry->end())
      said = &found->second;
  }
  nodes_.push_back(std::move(view));
  instances_.push_back(&instance);
  telemetry_.push_back(said);
  marks_.emplace_back();
}

NodeView& Roster::change(const NodeView& view) {
  const std::size_t index = index_of(view);
  if (index < given_ && !changed_[index]) {
    before_.emplace_back(index, view);
    changed_[index] = true;
  }
  return nodes_[index];
}

void Roster::move_to(const NodeView& view, NodeState state) {
  --counts_[static_cast<std::size_t>(view.record.node.state)];
  ++counts_[static_cast<std::size_t>(state)];
  NodeView& changed = change(view);
  changed.record.node.state = state;
  changed.in_state = Nanos{0};
}

int Roster::capacity() const {
  return count(NodeState::kLaunching) + count(NodeState::kBooting) + count(NodeState::kReady);
}

int Roster::present() const {
  return static_cast<int>(nodes_.size()) - count(NodeState::kGone);
}

}  // namespace gpuscale::scaling
