// SPDX-License-Identifier: Apache-2.0
/// How fast bodies of line protocol become points, for bodies as our agents send them: one second of a
/// cluster in one body.
#include <benchmark/benchmark.h>

#include <string>

#include "metrics/line_protocol.h"
#include "metrics/telemetry.h"

namespace gpuscale::metrics {
namespace {

Point device_sample(int node, int gpu) {
  Point point;
  point.measurement = kGpu;
  point.tags = {
      {std::string(kTagCluster), "inference-cn-beijing"},
      {std::string(kTagPool), "gpu"},
      {std::string(kTagNode), "gpu-7f3a" + std::to_string(node)},
      {std::string(kTagGpu), std::to_string(gpu)},
      {std::string(kTagUuid), "GPU-5c1b2d1e-0000-4000-8000-" + std::to_string(100'000 + node * 8 + gpu)},
      {std::string(kTagModel), "NVIDIA H100 80GB HBM3"}};
  point.fields = {{std::string(kUtilizationGpu), 61.25},
                  {std::string(kUtilizationMemory), 33.5},
                  {std::string(kMemoryUsedBytes), std::int64_t{68'719'476'736}},
                  {std::string(kMemoryTotalBytes), std::int64_t{85'899'345'920}},
                  {std::string(kPowerWatts), 512.75},
                  {std::string(kTemperatureCelsius), 64.0},
                  {std::string(kSmClockMhz), 1980.0},
                  {std::string(kMemoryClockMhz), 2619.0}};
  point.time_ns = 1'763'950'536'000'000'000 + node;
  return point;
}

std::string body_of(int lines) {
  std::string body;
  for (int i = 0; i < lines; ++i) append_line(body, device_sample(i / 8, i % 8));
  return body;
}

void ParseLines(benchmark::State& state) {
  const auto lines = static_cast<int>(state.range(0));
  const std::string body = body_of(lines);
  for (auto _ : state) {
    const ParsedLines parsed = parse_lines(body, Precision::kNanos, 0);
    if (parsed.points.size() != static_cast<std::size_t>(lines) || !parsed.errors.empty()) {
      state.SkipWithError("the body did not parse");
      break;
    }
    benchmark::DoNotOptimize(parsed.points.data());
  }
  state.SetItemsProcessed(state.iterations() * lines);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(ParseLines)->Arg(1)->Arg(8)->Arg(1'000)->Arg(10'000);

void AppendLine(benchmark::State& state) {
  const Point point = device_sample(1, 2);
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_line(out, point);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(AppendLine);

}  // namespace
}  // namespace gpuscale::metrics
