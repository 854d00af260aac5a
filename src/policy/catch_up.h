// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how many nodes a pool needs that has fallen behind.
#pragma once

namespace gpuscale::policy {

/// What a pool has fallen behind by.
struct Behind {
  double waiting = 0;  ///< node-seconds of work
  double ready = 0;    ///< nodes
  double load = 0;     ///< nodes
};

/// While a pool is too small, what waits piles up for a boot time; and first in, first out, all that comes
/// later is late as well until it is worked off. So nodes that are launched anyway are joined by as many as
/// work it off soon after they are ready, and leave then. Constants: docs/simulation.md.
/// @returns nodes; 0 = what waits will be on time
double catch_up(const Behind& behind, double boot_seconds);

}  // namespace gpuscale::policy
