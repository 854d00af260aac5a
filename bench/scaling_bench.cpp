// SPDX-License-Identifier: Apache-2.0
/// One decision of a large pool, with its full victim ledger and the record of its inputs. The goal: 10,000
/// nodes under 20 ms.
#include <benchmark/benchmark.h>

#include "scaling/decision_code.h"
#include "scaling/reconcile.h"

namespace gpuscale::scaling {
namespace {

ReconcileInput large_pool(int nodes, int surplus) {
  ReconcileInput input;
  input.spec.name = "gpu";
  input.spec.min = 0;
  input.spec.max = 2 * nodes;
  input.desired = nodes - surplus;
  input.now = base::from_unix_nanos(1'700'000'000'000'000'000);
  input.watching = std::chrono::hours{1};
  input.instances.emplace();
  input.telemetry.emplace();
  for (int i = 0; i < nodes; ++i) {
    // Ids are random in life, so that ages and ids are in no common order.
    const std::string id = "gpu-" + std::to_string((i * 7919L) % 1'000'003);
    NodeView view{NodeRecord{
        pool::Node{.id = pool::NodeId(id), .pool = pool::PoolName("gpu"), .state = pool::NodeState::kReady}}};
    view.record.node.created = input.now - std::chrono::minutes{i};
    view.record.node.ready_at = view.record.node.created;
    view.record.node.endpoint = "http://10.0.0.1:" + std::to_string(20'000 + i);
    view.record.node.correlation = view.record.episode = "2f6f9d0c1b7e4a58";
    view.record.node.reason = "its agent reports 8 working devices";
    view.record.seen = true;
    view.in_state = std::chrono::hours{1};
    view.call_due = false;
    input.nodes.push_back(std::move(view));
    input.instances->push_back(
        {.id = pool::NodeId(id), .state = pool::InstanceState::kRunning, .endpoint = {}, .detail = {}});
    const double load = 10 + (i * 31) % 50;
    input.telemetry->emplace(id, NodeTelemetry{.last_report = input.now,
                                               .devices_ok = 8,
                                               .devices_measured = 8,
                                               .utilization = load,
                                               .utilization_peak = load,
                                               .utilization_now = load,
                                               .in_flight = i % 7});
  }
  return input;
}

void decision(benchmark::State& state) {
  const ReconcileInput input = large_pool(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  for (auto _ : state) {
    state.PauseTiming();
    ReconcileInput now = input;
    state.ResumeTiming();
    const Plan plan = reconcile(now);
    benchmark::DoNotOptimize(&plan);
    // As each pass that decides anything: its inputs, as they are kept for replay.
    if (!plan.actions.empty()) benchmark::DoNotOptimize(encode(now));
  }
}
BENCHMARK(decision)
    ->ArgNames({"nodes", "surplus"})
    ->Args({1'000, 1})
    ->Args({10'000, 0})
    ->Args({10'000, 1})
    ->Args({10'000, 50})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gpuscale::scaling
