// SPDX-License-Identifier: Apache-2.0
/// What guard rails remember of a pool: holds, overrides, changes of size, GPU-hours used. Kept in state.db
/// as one JSON text beside the pool.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace gpuscale::scaling {

/// kPaused: the size stays as it is; kOnlyOut: it may grow and not shrink. Nodes that die are replaced in
/// every case.
enum class HoldMode { kNone, kPaused, kOnlyOut };
std::string_view to_string(HoldMode mode);
std::optional<HoldMode> parse_hold_mode(std::string_view text);

struct Hold {
  HoldMode mode = HoldMode::kNone;
  std::string who;
  std::optional<WallTime> until;  ///< absent = until somebody resumes

  HoldMode at(WallTime now) const { return until && now >= *until ? HoldMode::kNone : mode; }
  friend bool operator==(const Hold&, const Hold&) = default;
};

/// A size set by hand for a time: nothing else moves the pool before it expires.
struct SizeOverride {
  int size = 0;
  std::string who;
  WallTime until;
  friend bool operator==(const SizeOverride&, const SizeOverride&) = default;
};

struct SizeChange {
  WallTime at;
  int from = 0;
  int to = 0;
  std::optional<double> work;  ///< measured load at that moment, in nodes' worth; absent = unknown
  bool by_hand = false;
  friend bool operator==(const SizeChange&, const SizeChange&) = default;
};

/// GPU-hours of the current budget period.
struct Usage {
  WallTime period_start;
  WallTime counted_until;
  double gpu_hours = 0;
  double parked_gpu_hours = 0;  ///< of these, those of parked nodes
  friend bool operator==(const Usage&, const Usage&) = default;
};

constexpr std::size_t kMaxSizeChanges = 256;
constexpr Nanos kSizeChangeLife = std::chrono::hours{24};

struct PoolMemory {
  Hold hold;
  std::optional<SizeOverride> size_override;
  std::vector<SizeChange>
      changes;  ///< oldest first; at most kMaxSizeChanges, none older than kSizeChangeLife
  Usage usage;

  void add_change(SizeChange change);
  bool overridden(WallTime now) const { return size_override && now < size_override->until; }
  friend bool operator==(const PoolMemory&, const PoolMemory&) = default;
};

std::string to_text(const PoolMemory& memory);
/// Errors: kCorrupt. An empty text is an empty memory.
Result<PoolMemory> memory_from_text(const std::string& text);

}  // namespace gpuscale::scaling
