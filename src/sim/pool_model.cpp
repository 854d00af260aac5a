// SPDX-License-Identifier: Apache-2.0
#include "sim/pool_model.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "sim/pool_run.h"

namespace gpuscale::sim {
namespace {

constexpr double kNothing = 1e-9;  // node-seconds that are rounding

}  // namespace

Result<void> check(const PoolParameters& p) {
  const auto refuse = [](const std::string& what) { return fail(Errc::kInvalidArgument, what); };
  if (p.tick_seconds < 1) return refuse("the tick must be at least 1 s");
  const std::int64_t warm_seconds = p.warm_nodes > 0 ? p.warm_seconds : 0;
  const std::array<std::pair<const char*, std::int64_t>, 5> times{{{"boot time", p.boot_seconds},
                                                                   {"time of parked nodes", warm_seconds},
                                                                   {"drain time", p.drain_seconds},
                                                                   {"patience", p.patience_seconds},
                                                                   {"allowed wait", p.slo_wait_seconds}}};
  for (const auto& [name, seconds] : times) {
    if (seconds < 0) return refuse(std::string("the ") + name + " must not be negative");
    if (seconds % p.tick_seconds != 0) {
      return refuse(std::string("the ") + name + " of " + std::to_string(seconds) +
                    " s must be whole ticks of " + std::to_string(p.tick_seconds) + " s");
    }
  }
  if (p.warm_nodes < 0 || p.warm_nodes > 1'000'000) return refuse("warm must be from 0 to 1000000 nodes");
  if (p.min_nodes < 0 || p.min_nodes > p.max_nodes) return refuse("min must be from 0 to max");
  if (p.max_nodes > 1'000'000) return refuse("max must be at most 1000000");
  if (p.first_nodes < 0 || p.first_nodes > 1'000'000)
    return refuse("the first size must be from 0 to 1000000");
  if (!(p.service_seconds > 0)) return refuse("the service time must be above 0");
  return {};
}

double Outcome::node_hours() const {
  return static_cast<double>(paid_ticks) * static_cast<double>(tick_seconds) / 3600;
}
double Outcome::parked_hours() const {
  return static_cast<double>(parked_ticks) * static_cast<double>(tick_seconds) / 3600;
}
double Outcome::bad() const {
  return offered > 0 ? (lost + late) / offered : 0;
}
double Outcome::mean_utilization() const {
  return paid_ticks > 0 ? served / static_cast<double>(paid_ticks * tick_seconds) : 0;
}
std::optional<std::int64_t> Outcome::wait_quantile(double q) const {
  double passed = 0;
  for (const auto& [waited, work] : served_after) {
    passed += work;
    if (passed >= q * offered - kNothing) return waited * tick_seconds;
  }
  return std::nullopt;
}

Outcome run_pool(std::span<const double> demand, const PoolParameters& parameters, policy::Policy* policy,
                 const TickSink& each_tick) {
  PoolRun run(parameters, policy);
  run.expect(demand.size());
  for (const double nodes : demand) {
    const TickRecord record = run.step(nodes);
    if (each_tick) each_tick(record);
  }
  return run.outcome();
}

namespace {

std::int64_t smallest_good_pool(std::span<const double> demand, PoolParameters parameters) {
  const auto good = [&](std::int64_t nodes) {
    parameters.first_nodes = nodes;
    const Outcome outcome = run_pool(demand, parameters, nullptr);
    return outcome.lost + outcome.late <= kNothing;
  };
  // More nodes never serve later, so the smallest good pool can be searched by halves.
  std::int64_t low = std::max<std::int64_t>(1, parameters.min_nodes);
  std::int64_t high = low;
  while (!good(high) && high < parameters.max_nodes) high = std::min(parameters.max_nodes, high * 2);
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (good(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

std::int64_t first_nodes_for(std::span<const double> demand, PoolParameters parameters) {
  constexpr std::int64_t kMargin = 120;
  const auto ticks = static_cast<std::size_t>((parameters.boot_seconds + kMargin) / parameters.tick_seconds);
  return smallest_good_pool(demand.first(std::min(ticks, demand.size())), parameters);
}

std::int64_t peak_nodes_for(std::span<const double> demand, PoolParameters parameters) {
  return smallest_good_pool(demand, parameters);
}

}  // namespace gpuscale::sim
