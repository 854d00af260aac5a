// SPDX-License-Identifier: Apache-2.0
#include "scaling/victim.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <tuple>

#include "base/duration.h"

namespace gpuscale::scaling {
namespace {

const NodeTelemetry* find(const TelemetryByNode& telemetry, const std::string& id) {
  const auto found = telemetry.find(id);
  return found == telemetry.end() ? nullptr : &found->second;
}

/// Why this node may not be taken; absent = it may.
std::optional<std::string> obstacle(const NodeRecord& record, const std::optional<TelemetryByNode>& telemetry,
                                    const pool::PoolSpec& spec, WallTime now) {
  const pool::Node& node = record.node;
  if (node.state == pool::NodeState::kDraining) return "is already leaving: " + node.reason;
  if (node.state != pool::NodeState::kReady) {
    return "is " + std::string(to_string(node.state)) +
           "; its launch is cancelled before any ready node is drained";
  }
  if (node.protected_from_scale_in) return "is protected from scale-in";
  if (record.undrain_due) return "has just been taken back and has not confirmed it";
  if (!telemetry) return "telemetry cannot be read, so its load is unknown";
  const NodeTelemetry* said = find(*telemetry, node.id.value());
  if (said == nullptr || !said->last_report) return "has sent no telemetry, so its load is unknown";
  if (const Nanos age = now - *said->last_report; age > spec.telemetry_timeout) {
    return "has been silent for " + base::format_duration(std::chrono::floor<std::chrono::seconds>(age)) +
           ", so its load is unknown";
  }
  if (!said->utilization) return "its GPU utilisation is unknown";
  // One idle device says nothing of seven that do not answer.
  const std::int64_t devices = said->devices_ok.value_or(0) + said->devices_failed;
  if (said->devices_failed > 0 || said->devices_measured < devices) {
    const std::int64_t unknown = std::max(said->devices_failed, devices - said->devices_measured);
    return "the load of " + std::to_string(unknown) + " of its " + std::to_string(devices) +
           " devices is unknown";
  }
  return std::nullopt;
}

}  // namespace

std::string describe_utilization(double percent) {
  char text[48];
  std::snprintf(text, sizeof text, "%.1f %% GPU work", percent);
  return text;
}

std::map<std::string, Victim> rank_victims(const std::vector<NodeRecord>& nodes,
                                           const std::optional<TelemetryByNode>& telemetry,
                                           const pool::PoolSpec& spec, WallTime now) {
  struct Candidate {
    const NodeRecord* record;
    double utilization;
    std::int64_t in_flight;
  };
  constexpr auto kUnknown = std::numeric_limits<std::int64_t>::max();
  std::map<std::string, Victim> out;
  std::vector<Candidate> candidates;
  for (const NodeRecord& record : nodes) {
    const std::string& id = record.node.id.value();
    if (auto why_not = obstacle(record, telemetry, spec, now)) {
      out.insert_or_assign(id, Victim{0, *std::move(why_not)});
      continue;
    }
    const NodeTelemetry& said = telemetry->at(id);
    candidates.push_back({&record, *said.utilization, said.in_flight.value_or(kUnknown)});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tuple(a.utilization, a.in_flight, b.record->node.created, a.record->node.id.value()) <
           std::tuple(b.utilization, b.in_flight, a.record->node.created, b.record->node.id.value());
  });
  int rank = 0;
  for (const Candidate& candidate : candidates) {
    std::string reason = describe_utilization(candidate.utilization) + ", ";
    reason += candidate.in_flight == kUnknown ? "requests in flight unknown"
                                              : std::to_string(candidate.in_flight) + " in flight";
    reason += ++rank == 1 ? ": the least measured work of the pool"
                          : ": " + std::to_string(rank - 1) + " with less work would go first";
    out.insert_or_assign(candidate.record->node.id.value(), Victim{rank, std::move(reason)});
  }
  return out;
}

std::optional<double> projected_utilization(const std::vector<NodeRecord>& nodes,
                                            const TelemetryByNode& telemetry, int removed) {
  double sum = 0;
  int ready = 0;
  for (const NodeRecord& record : nodes) {
    if (record.node.state != pool::NodeState::kReady) continue;
    const NodeTelemetry* said = find(telemetry, record.node.id.value());
    if (said == nullptr || !said->utilization) return std::nullopt;
    sum += *said->utilization;
    ++ready;
  }
  if (removed >= ready) return std::nullopt;
  return sum / (ready - removed);
}

}  // namespace gpuscale::scaling
