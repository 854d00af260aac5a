// SPDX-License-Identifier: Apache-2.0
/// How far a draining node has come: cordoned, its work finishing, its GPUs falling idle, watched in case the
/// load returns, done. Pure.
#pragma once
#include <string>
#include <string_view>

#include "scaling/reconcile.h"

namespace gpuscale::scaling {

enum class DrainPhase { kCordoning, kWorking, kWatching, kDone, kHeld, kEnding };
std::string_view to_string(DrainPhase phase);

struct DrainState {
  DrainPhase phase = DrainPhase::kCordoning;
  std::string text;  ///< "waiting for 3 requests in flight"
};

/// `said` = the node's telemetry, null where it has said nothing. A node counts as idle only where it says so
/// itself twice and its GPUs, as far as they are heard, do not contradict; where nobody can ask it, its
/// telemetry must have been heard and without work for the pool's telemetry_timeout.
DrainState drain_state(const NodeView& view, const NodeTelemetry* said, const pool::PoolSpec& spec,
                       WallTime now);

}  // namespace gpuscale::scaling
