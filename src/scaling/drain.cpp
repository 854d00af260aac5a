// SPDX-License-Identifier: Apache-2.0
#include "scaling/drain.h"

#include <array>

#include "base/counted.h"
#include "base/duration.h"

namespace gpuscale::scaling {
namespace {

bool is_heard(const NodeTelemetry* said, const pool::PoolSpec& spec, WallTime now) {
  return said != nullptr && said->last_report && now - *said->last_report <= spec.telemetry_timeout;
}

DrainState by_telemetry_alone(const NodeView& view, const NodeTelemetry* said, const pool::PoolSpec& spec,
                              WallTime now) {
  if (!is_heard(said, spec, now) || !said->utilization) {
    return {DrainPhase::kWorking, "nobody can ask it for its work, and its telemetry is not heard"};
  }
  if (said->in_flight.value_or(0) > 0)
    return {DrainPhase::kWorking, "waiting for " + base::counted(*said->in_flight, "request") + " in flight"};
  if (*said->utilization >= kIdleBelow)
    return {DrainPhase::kWorking,
            "waiting for its GPUs to fall idle (" + percent_text(*said->utilization) + ")"};
  if (view.in_state < spec.telemetry_timeout)
    return {DrainPhase::kWorking, "its GPUs are idle; waiting to see whether they stay so"};
  return {DrainPhase::kDone, "drained: its GPUs have done no work"};
}

DrainState by_its_word(const NodeView& view) {
  if (!view.workload) return {DrainPhase::kCordoning, "it does not answer"};
  if (!view.workload->draining)
    return {DrainPhase::kCordoning, "it has not confirmed that it takes no new work"};
  if (view.workload->in_flight > 0)
    return {DrainPhase::kWorking,
            "waiting for " + base::counted(view.workload->in_flight, "request") + " in flight"};
  if (!view.workload->held_by.empty()) return {DrainPhase::kWorking, "waiting for " + view.workload->held_by};
  if (view.idle_observations < kIdleObservations || view.idle_for < kIdleTime)
    return {DrainPhase::kWorking, "it says that nothing is in flight; waiting for it to say so again"};
  return {DrainPhase::kDone, "drained: it refuses new work and has none in flight"};
}

}  // namespace

std::string_view to_string(DrainPhase phase) {
  constexpr std::array<std::string_view, 6> kNames{"cordoning", "working", "watching",
                                                   "done",      "held",    "ending"};
  return kNames[static_cast<std::size_t>(phase)];
}

DrainState drain_state(const NodeView& view, const NodeTelemetry* said, const pool::PoolSpec& spec,
                       WallTime now) {
  if (view.record.ending) return {DrainPhase::kEnding, "waiting for its instance to end"};
  if (view.record.cause == DrainCause::kHeld)
    return {DrainPhase::kHeld, "takes no new work until it is taken back or released"};
  DrainState state =
      view.workload_unsupported ? by_telemetry_alone(view, said, spec, now) : by_its_word(view);
  if (state.phase != DrainPhase::kDone) return state;
  if (is_heard(said, spec, now) && said->utilization_now && *said->utilization_now >= kIdleBelow) {
    return {DrainPhase::kWorking,
            "nothing is in flight, but its GPUs are at work (" + percent_text(*said->utilization_now) + ")"};
  }
  if (view.record.cause == DrainCause::kScaleIn && view.in_state < spec.scale_in.watch) {
    return {DrainPhase::kWatching, "idle; kept another " +
                                       base::format_left(spec.scale_in.watch - view.in_state) +
                                       " in case load returns"};
  }
  return state;
}

}  // namespace gpuscale::scaling
