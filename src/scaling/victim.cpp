// SPDX-License-Identifier: Apache-2.0
#include "scaling/victim.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <map>
#include <tuple>

#include "base/counted.h"
#include "base/duration.h"

namespace gpuscale::scaling {
namespace {

Health health_of(const VictimFacts& facts, const pool::PoolSpec& spec, bool fresh) {
  const NodeTelemetry* said = facts.telemetry;
  if (!fresh || said == nullptr || !said->devices_ok) return Health::kUnknown;
  if (said->devices_failed == 0 && *said->devices_ok > 0) return Health::kGood;
  return facts.failing_for >= spec.scale_in.sick_after ? Health::kSick : Health::kFailing;
}

Standing standing_of(const VictimFacts& facts, const Victim& victim, bool telemetry_read, bool fresh) {
  const pool::Node& node = facts.record->node;
  const NodeTelemetry* said = facts.telemetry;
  if (node.state == pool::NodeState::kDraining) return Standing::kLeaving;
  if (node.state != pool::NodeState::kReady) return Standing::kComing;
  if (node.protected_from_scale_in) return Standing::kProtected;
  if (facts.record->undrain_due) return Standing::kReturning;
  if (!telemetry_read) return Standing::kTelemetryDown;
  if (said == nullptr || !said->last_report) return Standing::kNeverHeard;
  if (!fresh) return Standing::kSilent;
  if (victim.health == Health::kSick) return Standing::kSick;
  if (!said->utilization && victim.health != Health::kFailing) return Standing::kLoadUnknown;
  // One idle device says nothing of seven that do not answer.
  if (victim.health == Health::kFailing || victim.devices_unknown > 0) return Standing::kDevicesUnknown;
  return Standing::kSpare;
}

Victim judge(const VictimFacts& facts, bool telemetry_read, const pool::PoolSpec& spec, WallTime now) {
  Victim victim;
  victim.zone = facts.zone;
  bool fresh = false;
  if (const NodeTelemetry* said = facts.telemetry; said != nullptr && said->last_report) {
    victim.silent_for = now - *said->last_report;
    fresh = victim.silent_for <= spec.telemetry_timeout;
    victim.utilization = said->utilization;
    victim.in_flight = said->in_flight;
    victim.gpu_class = said->gpu_class;
    victim.memory_used = said->memory_used;
    victim.devices = said->devices_ok.value_or(0) + said->devices_failed;
    victim.devices_unknown =
        std::max(said->devices_failed, victim.devices - std::min(said->devices_measured, victim.devices));
  }
  victim.health = health_of(facts, spec, fresh);
  victim.standing = standing_of(facts, victim, telemetry_read, fresh);
  return victim;
}

std::string load_text(const Victim& victim) {
  const std::string work =
      victim.utilization ? percent_text(*victim.utilization) + " GPU work" : "GPU work unknown";
  return work + ", " +
         (victim.in_flight ? std::to_string(*victim.in_flight) + " in flight" : "requests in flight unknown");
}

std::string turn_text(const Victim& victim) {
  const std::string turn = victim.rank <= 1 ? ": the least measured work of the pool"
                                            : ": " + std::to_string(victim.rank - 1) + " would go first";
  return turn + (victim.last_of_zone ? ", since zone " + victim.zone + " has no other" : "");
}

/// "2 of its 8 devices have failed", "its only device has failed".
std::string of_its_devices(const Victim& victim, const std::string& one, const std::string& several) {
  if (victim.devices == 1) return "its only device " + one;
  return std::to_string(victim.devices_unknown) + " of its " + std::to_string(victim.devices) + " devices " +
         (victim.devices_unknown == 1 ? one : several);
}

struct Turn {
  std::tuple<bool, bool, double, std::int64_t, std::int64_t> urgency;
  const pool::Node* node;
  std::size_t index;
};

/// Moves those behind all others whose going would empty a zone while another keeps a node.
void spread_over_zones(std::vector<Turn>& turns, std::vector<Victim>& victims,
                       const std::vector<VictimFacts>& facts) {
  std::map<std::string_view, int> left;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const bool serves = facts[i].record->node.state == pool::NodeState::kReady;
    if (serves && !facts[i].zone.empty() && victims[i].health != Health::kSick) ++left[facts[i].zone];
  }
  if (left.size() < 2) return;
  std::vector<Turn> last;
  std::erase_if(turns, [&](const Turn& turn) {
    Victim& victim = victims[turn.index];
    if (victim.zone.empty() || victim.standing == Standing::kSick) return false;
    int& of_zone = left[facts[turn.index].zone];
    victim.last_of_zone = of_zone == 1;
    if (victim.last_of_zone) {
      last.push_back(turn);
    } else {
      --of_zone;
    }
    return victim.last_of_zone;
  });
  turns.insert(turns.end(), last.begin(), last.end());
}

}  // namespace

std::string percent_text(double percent) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%", percent);
  return text.data();
}

std::string_view to_string(Standing standing) {
  constexpr std::array<std::string_view, 11> kNames{
      "spare",          "sick",        "leaving", "coming",       "protected",      "returning",
      "telemetry_down", "never_heard", "silent",  "load_unknown", "devices_unknown"};
  return kNames[static_cast<std::size_t>(standing)];
}

std::string_view to_string(Health health) {
  constexpr std::array<std::string_view, 4> kNames{"unknown", "good", "failing", "sick"};
  return kNames[static_cast<std::size_t>(health)];
}

std::vector<Victim> rank_victims(const std::vector<VictimFacts>& facts, bool telemetry_read,
                                 const pool::PoolSpec& spec, WallTime now) {
  constexpr auto kUnknown = std::numeric_limits<std::int64_t>::max();
  std::vector<Victim> out;
  out.reserve(facts.size());
  std::vector<Turn> turns;
  turns.reserve(facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const Victim& victim = out.emplace_back(judge(facts[i], telemetry_read, spec, now));
    if (victim.standing > Standing::kSick) continue;
    const bool sick = victim.standing == Standing::kSick;
    const bool works = !sick || victim.devices_unknown < victim.devices;
    turns.push_back({{!sick, works, victim.utilization.value_or(0.0), victim.in_flight.value_or(kUnknown),
                      victim.memory_used.value_or(kUnknown)},
                     &facts[i].record->node,
                     i});
  }
  std::sort(turns.begin(), turns.end(), [](const Turn& a, const Turn& b) {
    if (a.urgency != b.urgency) return a.urgency < b.urgency;
    return std::tie(b.node->created, a.node->id) < std::tie(a.node->created, b.node->id);
  });
  spread_over_zones(turns, out, facts);
  int rank = 0;
  for (const Turn& turn : turns) out[turn.index].rank = ++rank;
  return out;
}

std::string cost_to_move(const Victim& victim) {
  constexpr double kGib = 1024.0 * 1024 * 1024;
  std::string out;
  if (victim.in_flight) out = base::counted(*victim.in_flight, "request") + " in flight";
  if (victim.memory_used) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.1f GiB of GPU memory held",
                  static_cast<double>(*victim.memory_used) / kGib);
    out += (out.empty() ? "" : ", ") + std::string(text.data());
  }
  return out;
}

std::string describe(const Victim& victim, const pool::Node& node) {
  switch (victim.standing) {
    case Standing::kSpare:
      return load_text(victim) + turn_text(victim);
    case Standing::kSick:
      return of_its_devices(victim, "has failed", "have failed") + ": sick nodes go first";
    case Standing::kLeaving:
      return "is already leaving: " + node.reason;
    case Standing::kComing:
      return "is " + std::string(to_string(node.state)) +
             "; its launch is cancelled before any ready node is drained";
    case Standing::kProtected:
      return "is protected from scale-in";
    case Standing::kReturning:
      return "has just been taken back and has not confirmed it";
    case Standing::kTelemetryDown:
      return "telemetry cannot be read, so its load is unknown";
    case Standing::kNeverHeard:
      return "has sent no telemetry, so its load is unknown";
    case Standing::kSilent:
      return "has been silent for " + base::format_passed(victim.silent_for) + ", so its load is unknown";
    case Standing::kLoadUnknown:
      return "its GPU utilisation is unknown";
    case Standing::kDevicesUnknown:
      return "the load of " + of_its_devices(victim, "is unknown", "is unknown");
  }
  return "";
}

}  // namespace gpuscale::scaling
