// SPDX-License-Identifier: Apache-2.0
/// The pool model one tick at a time, for demand that is only just coming in. run_pool() is this over a whole
/// trace. Not thread-safe.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "policy/policy.h"
#include "sim/fleet.h"
#include "sim/pool_model.h"
#include "sim/work_queue.h"

namespace gpuscale::sim {

class PoolRun {
 public:
  /// @param policy fresh, outlives the run; null = the pool stays as it is
  /// @param keep_ticks so many of the latest ticks a policy may look back at, at least; 0 = all
  PoolRun(const PoolParameters& parameters, policy::Policy* policy, std::size_t keep_ticks = 0);
  PoolRun(const PoolRun&) = delete;
  PoolRun& operator=(const PoolRun&) = delete;

  /// That so many ticks are coming.
  void expect(std::size_t ticks);
  /// Bounds and boot time from now on; of whole ticks.
  void set_bounds(std::int64_t min_nodes, std::int64_t max_nodes);
  void set_boot_seconds(std::int64_t seconds) { parameters_.boot_seconds = seconds; }
  /// When the tick began that comes next, in seconds since 1970; else the first one began then.
  void set_time(std::int64_t seconds) { epoch_ = seconds - tick_ * parameters_.tick_seconds; }
  /// What the ready nodes have together of the value that a policy goes by: it sees each one's share. Absent
  /// = unknown.
  void set_shared_value(std::optional<double> total) { shared_value_ = total; }

  /// One tick in which so much work comes in (node-equivalents).
  TickRecord step(double demand);
  /// The same with a pool that is as somebody else made it: so many ready, and so many paid in all.
  TickRecord follow(double demand, std::int64_t ready, std::int64_t paid);

  /// As of now; what still waits counts by how long it has.
  Outcome outcome() const;
  /// Node-seconds so far that were lost, or late when they were served.
  double bad_work() const { return out_.lost + out_.late; }

 private:
  void ask();
  TickRecord serve(double demand, std::int64_t ready, std::int64_t booting, std::int64_t idle);
  void forget();

  PoolParameters parameters_;
  policy::Policy* policy_;
  std::int64_t period_ = 0;
  std::size_t keep_ticks_;
  Outcome out_;
  Fleet fleet_;
  WorkQueue queue_;
  std::optional<double> shared_value_;
  std::int64_t tick_ = 0;
  std::int64_t epoch_ = 0;       ///< when tick 0 began; seconds since 1970
  std::int64_t first_tick_ = 0;  ///< of the series below
  std::vector<double> utilization_;
  std::vector<double> served_;
  std::vector<double> arrived_;
  std::vector<double> backlog_;
};

}  // namespace gpuscale::sim
