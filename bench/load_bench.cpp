// SPDX-License-Identifier: Apache-2.0
/// What the load generator itself costs per request: it must stay far below the services that it measures.
#include <benchmark/benchmark.h>

#include "load/profile.h"
#include "load/targets.h"
#include "metrics/latency_histogram.h"

namespace gpuscale::load {
namespace {

void NextArrival(benchmark::State& state) {
  const auto kind = state.range(0) == 0 ? ArrivalKind::kEven : ArrivalKind::kPoisson;
  Arrivals arrivals(Profile::constant(1000).value(), kind, 1);
  for (auto _ : state) benchmark::DoNotOptimize(arrivals.next());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(NextArrival)->ArgName("poisson")->Arg(0)->Arg(1);

void RecordLatency(benchmark::State& state) {
  metrics::LatencyHistogram histogram;
  std::int64_t ns = 1;
  for (auto _ : state) {
    ns = (ns * 6'364'136'223 + 1) & 0x3fff'ffff;
    histogram.record(Nanos{ns});
  }
  benchmark::DoNotOptimize(histogram.quantile(0.99));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(RecordLatency);

void PickTarget(benchmark::State& state) {
  std::vector<Target> nodes;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    nodes.push_back({"gpu-" + std::to_string(i), "http://127.0.0.1:1", TargetState::kReady});
  }
  Targets targets;
  targets.update(nodes, MonoTime{});
  for (auto _ : state) {
    const auto target = targets.pick({});
    targets.release(target->id);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PickTarget)->Arg(3)->Arg(100)->Arg(1'000);

}  // namespace
}  // namespace gpuscale::load
