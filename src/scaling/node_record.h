// SPDX-License-Identifier: Apache-2.0
/// What the controller remembers of a node beyond what the world sees of it. Kept in state.db, one row a
/// node.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/node.h"
#include "scaling/pool_memory.h"

namespace gpuscale::scaling {

/// Why a node leaves. Only a scale-in is undone by load: the others have causes that load does not cure.
/// kHeld is a person's drain: the node takes no work and stays until it is taken back or released.
enum class DrainCause { kNone, kScaleIn, kRelease, kOrphan, kCancel, kBootTimeout, kShutdown, kSick, kHeld };
std::string_view to_string(DrainCause cause);
DrainCause parse_drain_cause(std::string_view text);  ///< kNone for what it does not know

struct NodeRecord {
  pool::Node node;
  std::string episode;  ///< correlation of what last happened to the node
  DrainCause cause = DrainCause::kNone;
  bool seen = false;         ///< the provider has shown an instance of it
  bool ending = false;       ///< its end has been decided and written: no way back
  bool undrain_due = false;  ///< taken back, but the node has not confirmed that it takes work again
  bool silent = false;       ///< ready, its instance lives, its telemetry has stopped
  /// Taken in as found, so that it may have been at work already: it is drained where a node of our own
  /// making that has never been ready would simply be cancelled.
  bool adopted = false;

  friend bool operator==(const NodeRecord&, const NodeRecord&) = default;
};

/// The state of a node whose drain is undone: one that has never been ready goes on booting, since nobody
/// knows yet whether it works.
pool::NodeState state_taken_back(const NodeRecord& record);

/// What lasts of a pool beside its nodes.
struct PoolRecord {
  std::string name;
  int desired = 0;
  std::optional<WallTime> last_out;
  std::optional<WallTime> last_in;
  std::string correlation;       ///< of the last change that asks for action
  std::int64_t saved_boots = 0;  ///< drains undone because load came back
  PoolMemory memory{};

  friend bool operator==(const PoolRecord&, const PoolRecord&) = default;
};

}  // namespace gpuscale::scaling
