// SPDX-License-Identifier: Apache-2.0
/// Back-tests of a pool that follows days and nights with bursts. The goals: 30 days of 1,000 nodes in 10 s,
/// 14 days at ticks of 10 s in 1 s.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "policy/catalogue.h"
#include "sim/pool_model.h"

namespace gpuscale::sim {
namespace {

/// A day of `nodes` at its height, a quarter of that at night, with noise and a burst every few hours.
std::vector<double> days_and_nights(std::int64_t days, std::int64_t tick_seconds, double nodes) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(1, 0.03);
  std::vector<double> demand(static_cast<std::size_t>(days * 86'400 / tick_seconds));
  for (std::size_t i = 0; i < demand.size(); ++i) {
    const double hour = static_cast<double>(i) * static_cast<double>(tick_seconds) / 3600;
    const double day = 0.5 + 0.3 * std::sin(hour / 24 * 2 * std::numbers::pi);
    const double burst = std::fmod(hour, 5.3) < 0.1 ? 1.25 : 1;
    demand[i] = nodes * day * burst * std::max(0.0, noise(random));
  }
  return demand;
}

void back_test(benchmark::State& state, const char* policy) {
  PoolParameters parameters;
  parameters.tick_seconds = state.range(1);
  const auto demand = days_and_nights(state.range(0), parameters.tick_seconds, 1000);
  parameters.first_nodes = first_nodes_for(demand, parameters);
  for (auto _ : state) {
    const auto live = policy::make_policy(*policy::PolicyChoice::parse(policy));
    benchmark::DoNotOptimize(run_pool(demand, parameters, live.get()));
  }
}
BENCHMARK_CAPTURE(back_test, lookout, "lookout")
    ->ArgNames({"days", "tick"})
    ->Args({30, 5})
    ->Args({14, 10})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(back_test, hpa, "hpa")
    ->ArgNames({"days", "tick"})
    ->Args({30, 5})
    ->Args({14, 10})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gpuscale::sim
