// SPDX-License-Identifier: Apache-2.0
/// A scaling policy: how many nodes a pool should have, by what was measured so far. The simulator, the
/// back-test and whoever scales a live pool run the same objects. A policy holds state of its own (what it
/// has learned), reads no clock and does no I/O. Not thread-safe: one thread at a time.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpuscale::policy {

/// What a policy may look at: a pool at the start of a tick, and the ticks before. Entry j of each series is
/// tick first_tick + j; entries from `tick` on do not exist yet.
struct PoolView {
  std::int64_t tick_seconds = 1;
  std::int64_t first_tick = 0;  ///< of the series: a live pool forgets what is older
  std::int64_t tick = 0;        ///< the one that begins
  std::int64_t epoch = 0;       ///< when tick 0 began; seconds since 1970
  bool heard = true;            ///< the latest tick was measured; else the last that was stands
  std::int64_t ready = 0;
  std::int64_t booting = 0;
  std::int64_t min_nodes = 1;
  std::int64_t max_nodes = 1;
  std::int64_t boot_seconds = 0;  ///< from launch to ready
  double service_seconds = 10;    ///< of one request at the mean: turns work that waits into concurrency
  std::span<const double> utilization;  ///< 0..1, mean of the ready nodes
  std::span<const double> served;       ///< node-seconds of work
  std::span<const double> arrived;      ///< node-seconds of work
  std::span<const double> backlog;      ///< node-seconds of work that waits at the end of the tick
  std::optional<double> signal{};       ///< the policy's own formula now; absent = unknown, or it has none

  std::int64_t now() const { return tick * tick_seconds; }  ///< seconds since the first tick
  std::int64_t size() const { return ready + booting; }
  double at(std::span<const double> series, std::int64_t of_tick) const {
    return series[static_cast<std::size_t>(of_tick - first_tick)];
  }
};

/// What the latest decide() went by, in numbers: what reason() says in words. Absent = unknown, or nothing
/// that the policy goes by.
struct Evidence {
  std::optional<double> value;   ///< what it holds against its target: of utilisation a share, 0..1
  std::optional<double> target;  ///< in the unit of `value`
  std::optional<std::int64_t> window_seconds;  ///< over which `value` was taken
  std::optional<double> load;                  ///< of one that forecasts: nodes' worth of work now
  std::optional<double> forecast;              ///< nodes needed one boot time ahead, with headroom
  std::optional<double> missed;  ///< share of the last hour, 0..1, in which more was needed than forecast
  std::string_view history{};    ///< the cycle that it expects to repeat itself: "day", "week"; "" = none
  bool distrusted = false;       ///< its forecast is bad, so it asks for no less than target tracking would
};

class Policy {
 public:
  virtual ~Policy() = default;
  /// Seconds between two calls of decide(); rounded up to whole ticks by the caller.
  virtual std::int64_t period_seconds() const = 0;
  /// The wanted number of nodes, ready and booting together; nullopt leaves it as it is. The caller clips it
  /// to the pool's bounds. Called at ascending ticks above 0.
  virtual std::optional<std::int64_t> decide(const PoolView& view) = 0;

  /// Why the latest decide() answered as it did, in one line: what was seen, and what follows.
  virtual std::string reason() const = 0;
  virtual Evidence evidence() const { return {}; }
  /// What it has learned, as text that relearn() of the same policy takes after a restart; "" = nothing.
  virtual std::string learned() const { return {}; }
  /// kInvalidArgument: of another version or damaged; the policy is then as fresh as before.
  virtual Result<void> relearn(std::string_view) { return {}; }
};

}  // namespace gpuscale::policy
