// SPDX-License-Identifier: Apache-2.0
/// A pool of identical nodes on a simulated clock: demand comes in by ticks, waits in one queue, is served by
/// the nodes that are ready; a policy says how many there should be. docs/simulation.md is the exact model.
/// Pure and deterministic: the same input gives the same outcome to the last bit.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "policy/policy.h"

namespace gpuscale::sim {

enum class BootModel {
  kFixed,
  kRandom,  ///< half of boot_seconds, and an exponential time with the other half as its mean
};

/// All times in seconds.
struct PoolParameters {
  std::int64_t tick_seconds = 5;
  std::int64_t boot_seconds = 180;  ///< from launch to ready, paid; whole ticks
  BootModel boot_model = BootModel::kFixed;
  std::uint64_t boot_seed = 1;
  std::int64_t drain_seconds = 30;  ///< a released node serves nothing and is paid for so long
  std::int64_t warm_nodes = 0;      ///< of the released ones so many stay parked, the newest; paid
  std::int64_t warm_seconds = 600;  ///< so long from their release; a launch takes them back at once
  std::int64_t min_nodes = 1;
  std::int64_t max_nodes = 1'000'000;
  std::int64_t patience_seconds = 30;  ///< work that waited longer is lost
  std::int64_t slo_wait_seconds = 10;  ///< work that waited longer before it was served is late
  double service_seconds = 10;
  std::int64_t first_nodes = 1;  ///< ready at the first tick
};
/// kInvalidArgument names the parameter.
Result<void> check(const PoolParameters& parameters);

/// One tick as it ended, for charts.
struct TickRecord {
  double demand;  ///< node-equivalents
  std::int64_t ready;
  std::int64_t booting;
  std::int64_t draining;  ///< and parked
  double utilization;
  double backlog;  ///< node-seconds
};

struct Outcome {
  std::int64_t ticks = 0;
  std::int64_t tick_seconds = 0;
  std::int64_t paid_ticks = 0;  ///< of nodes ready, booting, draining or parked
  std::int64_t parked_ticks = 0;
  std::int64_t returns = 0;  ///< of parked nodes; no launches
  double offered = 0;        ///< node-seconds of work, as all below
  double served = 0;
  double lost = 0;
  double late = 0;
  std::map<std::int64_t, double>
      served_after;  ///< ticks waited -> work; what still waits at the end counts here
  std::int64_t launches = 0;
  std::int64_t removals = 0;
  std::int64_t actions_out = 0;
  std::int64_t actions_in = 0;
  std::int64_t peak_nodes = 0;     ///< paid at once
  std::int64_t ticks_over_45 = 0;  ///< with utilisation above 45 %
  std::int64_t reversals = 0;      ///< a removal within ten minutes of a launch, or the other way round

  double node_hours() const;
  double parked_hours() const;  ///< of these
  double bad() const;           ///< (lost + late) / offered
  std::int64_t actions() const { return actions_out + actions_in; }
  double mean_utilization() const;  ///< served over paid
  /// Seconds that the share q of the offered work waited at most; nullopt = it was lost.
  std::optional<std::int64_t> wait_quantile(double q) const;
};

using TickSink = std::function<void(const TickRecord&)>;

/// @param demand node-equivalents, one entry a tick
/// @param policy fresh; null = the pool stays as it is
Outcome run_pool(std::span<const double> demand, const PoolParameters& parameters, policy::Policy* policy,
                 const TickSink& each_tick = {});

/// The smallest constant pool that is neither late nor loses anything in the first boot_seconds + 120 s:
/// where every policy starts.
std::int64_t first_nodes_for(std::span<const double> demand, PoolParameters parameters);
/// The smallest constant pool with nothing late or lost at all, which only hindsight knows.
std::int64_t peak_nodes_for(std::span<const double> demand, PoolParameters parameters);

}  // namespace gpuscale::sim
