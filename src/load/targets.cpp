// SPDX-License-Identifier: Apache-2.0
#include "load/targets.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace gpuscale::load {

Result<std::vector<Target>> parse_targets(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("nodes") || !json["nodes"].is_array()) {
    return fail(Errc::kCorrupt,
                "the server's list of nodes is not {\"nodes\":[...]}; is it a gpuscale server?");
  }
  std::vector<Target> targets;
  for (const auto& node : json["nodes"]) {
    const auto text = [&node](const char* key) {
      const auto found = node.is_object() ? node.find(key) : node.end();
      return node.is_object() && found != node.end() && found->is_string() ? found->get<std::string>()
                                                                           : std::string();
    };
    Target target{text("id"), text("endpoint"), TargetState::kOther};
    if (target.id.empty()) return fail(Errc::kCorrupt, "the server's list of nodes holds one without id");
    const std::string state = text("state");
    if (state == "draining") target.state = TargetState::kDraining;
    if (state == "ready" && !target.endpoint.empty()) target.state = TargetState::kReady;
    targets.push_back(std::move(target));
  }
  return targets;
}

std::uint64_t Targets::update(const std::vector<Target>& nodes, MonoTime now) {
  const std::lock_guard lock(mutex_);
  updated_ = now;
  std::uint64_t drained_losses = 0;
  for (auto& [id, entry] : entries_) entry.listed = false;
  for (const Target& node : nodes) {
    Entry& entry = entries_[node.id];
    entry.listed = true;
    entry.endpoint = node.endpoint;
    entry.state = node.state;
    const bool distrusted = entry.said_draining && now - *entry.said_draining < kDistrust;
    if (node.state == TargetState::kReady && distrusted) entry.state = TargetState::kDraining;
    if (!distrusted) entry.said_draining.reset();
    while (!entry.losses.empty() && now - entry.losses.front() > kLateDrain) entry.losses.pop_front();
    if (node.state == TargetState::kDraining) {
      drained_losses += entry.losses.size();
      entry.losses.clear();
    }
  }
  std::erase_if(entries_,
                [](const auto& item) { return !item.second.listed && item.second.outstanding == 0; });
  return drained_losses;
}

std::optional<Target> Targets::pick(const std::vector<std::string>& tried) {
  const std::lock_guard lock(mutex_);
  std::pair<const std::string, Entry>* best = nullptr;
  const auto rank = [](const Entry& entry) { return std::pair(entry.outstanding, entry.picked); };
  for (auto& candidate : entries_) {
    const Entry& entry = candidate.second;
    if (!entry.listed || entry.state != TargetState::kReady) continue;
    if (std::find(tried.begin(), tried.end(), candidate.first) != tried.end()) continue;
    if (best == nullptr || rank(entry) < rank(best->second)) best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  best->second.picked = ++picks_;
  ++best->second.outstanding;
  return Target{best->first, best->second.endpoint, TargetState::kReady};
}

void Targets::release(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  if (found->second.outstanding > 0) --found->second.outstanding;
  if (!found->second.listed && found->second.outstanding == 0) entries_.erase(found);
}

void Targets::note_draining(const std::string& id, MonoTime now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second.state = TargetState::kDraining;
  found->second.said_draining = now;
}

bool Targets::note_loss(const std::string& id, MonoTime now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return true;
  Entry& entry = found->second;
  if (!entry.listed || entry.state == TargetState::kDraining) return true;
  if (entry.losses.size() < kMaxLosses) entry.losses.push_back(now);
  return false;
}

std::size_t Targets::ready() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [](const auto& item) {
    return item.second.listed && item.second.state == TargetState::kReady;
  }));
}

std::optional<MonoTime> Targets::updated() const {
  const std::lock_guard lock(mutex_);
  return updated_;
}

}  // namespace gpuscale::load
