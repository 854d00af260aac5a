// SPDX-License-Identifier: Apache-2.0
/// What the store sustains: points per second written durably by one and by several writers, how long the
/// slowest write waits while the head is sealed, and the read of an hour of a hundred series. The disk is the
/// one that holds $TMPDIR.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/system_clock.h"
#include "metrics/telemetry.h"
#include "tsdb/store.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::size_t kSeries = 100;
constexpr std::size_t kBatch = 1'000;  // points
constexpr std::int64_t kStart = 1'763'950'536'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

/// Points as agents send them, one a second from each of kSeries devices.
class Telemetry {
 public:
  explicit Telemetry(int cluster) : cluster_("cluster-" + std::to_string(cluster)) {
    for (std::size_t i = 0; i < kSeries; ++i) {
      nodes_.push_back("gpu-7f3a" + std::to_string(i / 8));
      devices_.push_back(std::to_string(i % 8));
    }
    for (std::size_t i = 0; i < kSeries; ++i) {
      tags_.push_back({{metrics::kTagCluster, cluster_},
                       {metrics::kTagGpu, devices_[i]},
                       {metrics::kTagModel, "NVIDIA H100 80GB HBM3"},
                       {metrics::kTagNode, nodes_[i]}});
    }
  }

  /// The next `count` points; valid until the next call.
  const std::vector<metrics::PointView>& next(std::size_t count) {
    fields_.clear();
    points_.clear();
    fields_.reserve(count);
    for (std::size_t i = 0; i < count; ++i, ++made_) {
      const std::size_t second = made_ / kSeries;
      const auto wave = static_cast<double>((made_ * 7919) % 1'000);
      fields_.push_back(
          {{metrics::kMemoryTotalBytes, std::int64_t{85'899'345'920}},
           {metrics::kMemoryUsedBytes, static_cast<std::int64_t>(60'000'000'000 + made_ % 4'096)},
           {metrics::kPowerWatts, 400 + wave / 8},
           {metrics::kTemperatureCelsius, 60.0 + static_cast<double>(second % 7)},
           {metrics::kUtilizationGpu, wave / 10},
           {metrics::kUtilizationMemory, wave / 20}});
      points_.push_back({metrics::kGpu, tags_[made_ % kSeries], fields_.back(),
                         kStart + static_cast<std::int64_t>(second) * kSecond});
    }
    return points_;
  }

 private:
  std::string cluster_;
  std::vector<std::string> nodes_;
  std::vector<std::string> devices_;
  std::vector<std::vector<metrics::TagView>> tags_;
  std::vector<std::vector<metrics::FieldView>> fields_;
  std::vector<metrics::PointView> points_;
  std::size_t made_ = 0;
};

/// A store in a folder of its own that goes away with it.
class BenchStore {
 public:
  BenchStore() {
    std::string pattern = std::filesystem::temp_directory_path() / "gpuscale-tsdb-bench-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) return;
    folder_ = pattern;
    auto store = Store::open({folder_ + "/metrics.db", {}}, clock_, log::Log::silent());
    if (store && (*store)->create_database("db", std::nullopt)) store_ = *std::move(store);
  }
  ~BenchStore() {
    store_.reset();
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  BenchStore(const BenchStore&) = delete;
  BenchStore& operator=(const BenchStore&) = delete;

  Store* operator->() { return store_.get(); }
  explicit operator bool() const { return store_ != nullptr; }

 private:
  base::SystemClock clock_;
  std::string folder_;
  std::unique_ptr<Store> store_;
};

/// One store for all threads of a run.
class Writing : public benchmark::Fixture {
 public:
  void SetUp(const benchmark::State& state) override {
    if (state.thread_index() == 0) store_ = std::make_unique<BenchStore>();
  }
  void TearDown(const benchmark::State& state) override {
    if (state.thread_index() == 0) store_.reset();
  }

 protected:
  std::unique_ptr<BenchStore> store_;
};

BENCHMARK_DEFINE_F(Writing, Batches)(benchmark::State& state) {
  Telemetry telemetry(state.thread_index());
  double slowest_ms = 0;
  for (auto _ : state) {
    const auto& points = telemetry.next(kBatch);
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = (*store_)->write("db", "", points);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    slowest_ms = std::max(slowest_ms, took.count());
    if (!outcome || outcome->written != kBatch) {
      state.SkipWithError("a batch was not written");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.counters["slowest_ms"] = benchmark::Counter(slowest_ms, benchmark::Counter::kAvgThreads);
}
BENCHMARK_REGISTER_F(Writing, Batches)
    ->Threads(1)
    ->Threads(8)
    ->UseRealTime()
    ->MinTime(3)
    ->Unit(benchmark::kMillisecond);

/// One field of each series over an hour, from memory (blocks:0) or from the disk (blocks:1).
void ReadHour(benchmark::State& state) {
  BenchStore store;
  if (!store) return state.SkipWithError("no store");
  Telemetry telemetry(0);
  for (std::size_t i = 0; i < 3'600 * kSeries / kBatch; ++i) {
    if (!store->write("db", "", telemetry.next(kBatch)))
      return state.SkipWithError("a batch was not written");
  }
  if (state.range(0) == 1 && !store->flush()) return state.SkipWithError("no flush");
  const auto series = store->series("db", metrics::kGpu);
  for (auto _ : state) {
    std::size_t samples = 0;
    for (const SeriesInfo& info : series) {
      const auto column = store->read("db", "", info.id, metrics::kPowerWatts, {});
      if (column) samples += column->times.size();
    }
    if (samples != 3'600 * kSeries) {
      state.SkipWithError("samples are missing");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(3'600 * kSeries));
  state.counters["disk_bytes_per_point"] =
      static_cast<double>(store->stats().disk_bytes) / static_cast<double>(3'600 * kSeries);
}
BENCHMARK(ReadHour)->ArgName("blocks")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gpuscale::tsdb
