// SPDX-License-Identifier: Apache-2.0
/// What bounds every change of a pool's size, whoever asks for it: holds, overrides, rates, stabilisation,
/// the flap meter, the fleet's GPUs, the budget. Pure: the same call with the same view gives the same
/// answer.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "pool/node.h"
#include "scaling/pool_memory.h"

namespace gpuscale::scaling {

/// A size that somebody wanted lately, granted or not.
struct Want {
  WallTime at;
  int size = 0;
};

/// What the rails look at beside the pool's own spec.
struct RailsView {
  PoolMemory memory;
  std::vector<Want> wants;             ///< of the last stabilisation window, oldest first
  std::optional<double> work;          ///< measured load, in nodes' worth; absent = unknown
  std::optional<int> fleet_gpus_left;  ///< what the other pools leave of the fleet's cap; absent = no cap
  int gpus_running = 0;                ///< of this pool, for the budget's forecast
};

struct RailsVerdict {
  int to = 0;              ///< between `from` and the size wanted
  std::string clipped_by;  ///< "", "hold", "override", "stabilisation", "flap", "rate", "fleet", "budget"
  std::string reason;      ///< one sentence, where clipped
  std::optional<Nanos> retry_after;  ///< where clipped: when to ask again, see kAskAgain
};

/// What may end before its time (a hold that is lifted, load that falls, nodes that another pool gives back)
/// is worth asking about this often, however long it could last.
constexpr Nanos kAskAgain = std::chrono::minutes{1};

/// `from` and `wanted` are inside min and max. By hand (`by_hand`) only the fleet's cap and the budget bind:
/// a person's word is what holds, rates and stabilisation stand in for.
RailsVerdict apply_rails(const pool::PoolSpec& spec, const RailsView& view, int from, int wanted,
                         bool by_hand, WallTime now);

/// Nodes by which the pool has grown, shrunk (by rules, not by hand) in the window before now.
int grown_within(const PoolMemory& memory, Nanos window, WallTime now);
int shrunk_within(const PoolMemory& memory, Nanos window, WallTime now);

}  // namespace gpuscale::scaling
