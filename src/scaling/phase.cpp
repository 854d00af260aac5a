// SPDX-License-Identifier: Apache-2.0
#include "scaling/phase.h"

#include <array>

namespace gpuscale::scaling {
namespace {

std::string join_first(const std::vector<std::string>& names, std::size_t most = 5) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most) out += " and " + std::to_string(names.size() - most) + " more";
  return out;
}

}  // namespace

std::string_view to_string(PoolPhase phase) {
  switch (phase) {
    case PoolPhase::kSteady:
      return "steady";
    case PoolPhase::kScalingOut:
      return "scaling_out";
    case PoolPhase::kScalingIn:
      return "scaling_in";
    case PoolPhase::kDegraded:
      return "degraded";
  }
  return "unknown";
}

std::string_view to_string(PhaseCause cause) {
  constexpr std::array<std::string_view, 6> kNames{"counts",  "fault",   "flapping",
                                                   "devices", "silence", "blocked"};
  return kNames[static_cast<std::size_t>(cause)];
}

PhaseVerdict judge_phase(const PhaseInput& in) {
  if (!in.fault.empty()) return {PoolPhase::kDegraded, in.fault, PhaseCause::kFault};
  if (!in.flapping.empty()) return {PoolPhase::kDegraded, in.flapping, PhaseCause::kFlapping};
  if (!in.sick.empty())
    return {PoolPhase::kDegraded, "failed devices: " + join_first(in.sick), PhaseCause::kDevices};
  if (!in.silent.empty())
    return {PoolPhase::kDegraded, "no telemetry from " + join_first(in.silent), PhaseCause::kSilence};
  const std::string of = std::to_string(in.counts.ready) + " of " + std::to_string(in.desired) + " ready";
  if (in.counts.ready < in.desired || in.counts.launching + in.counts.booting > 0) {
    return {PoolPhase::kScalingOut,
            of + ", " + std::to_string(in.counts.launching + in.counts.booting) + " coming"};
  }
  if (!in.scale_in_blocked.empty()) return {PoolPhase::kScalingIn, in.scale_in_blocked, PhaseCause::kBlocked};
  const int leaving = in.counts.draining - in.counts.parked;
  const std::string parked = in.counts.parked == 0 ? "" : ", " + std::to_string(in.counts.parked) + " parked";
  if (leaving > 0 || in.counts.ready > in.desired)
    return {PoolPhase::kScalingIn, of + ", " + std::to_string(leaving) + " leaving" + parked};
  return {PoolPhase::kSteady, of + parked};
}

}  // namespace gpuscale::scaling
