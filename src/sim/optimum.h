// SPDX-License-Identifier: Apache-2.0
/// What a pool would have cost whoever knew the demand in advance: the fewest paid node-hours with which no
/// work is late or lost. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "sim/pool_model.h"

namespace gpuscale::sim {

struct Optimum {
  double node_hours = 0;
  /// Nodes that the schedule adds and removes at a time: 1 unless the pool is so large that the search would
  /// not end in bounded time.
  std::int64_t step_nodes = 1;
};

/// Dynamic programme over (nodes, work that waits), from the last tick to the first. Work of a tick has to be
/// served within slo_wait_seconds; first in, first out makes that a bound on what may wait at the end of a
/// tick. Nodes are paid while they boot, serve and drain; none can be there before the first boot time is
/// over. Nodes are whole; the cost between two levels of waiting work is interpolated, which on the published
/// traces lies within 0.5 % of an exact grid, mostly within 0.05 %.
/// @param work_limit steps of the innermost loop, some 3e8 a second: a coarser grid of waiting work keeps to
/// it, then larger steps of nodes
/// @returns nullopt where first_nodes cannot serve the first boot time without being late.
std::optional<Optimum> optimum_for(std::span<const double> demand, const PoolParameters& parameters,
                                   double work_limit = 4e8);

}  // namespace gpuscale::sim
