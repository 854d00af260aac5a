// SPDX-License-Identifier: Apache-2.0
#include "scaling/store_telemetry.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "metrics/telemetry.h"

namespace gpuscale::scaling {
namespace {

using metrics::FieldType;
using metrics::kDefaultDatabase;

/// Numbers of a column whatever their type; a column of texts has none.
std::vector<double> numbers(const tsdb::Column& column) {
  if (column.type == FieldType::kFloat) return column.floats;
  std::vector<double> out;
  if (column.type == FieldType::kInteger) {
    for (const std::int64_t value : column.integers) out.push_back(static_cast<double>(value));
  }
  return out;
}

/// "NVIDIA H100 80GB HBM3 (80 GiB)", "NVIDIA A100-SXM4-80GB MIG 1g.10gb (10 GiB)"; "" where it has no name.
std::string class_of_device(const metrics::Tags& tags, std::optional<double> memory_total) {
  constexpr double kGib = 1024.0 * 1024 * 1024;
  std::string out(metrics::tag_value(tags, metrics::kTagModel));
  if (out.empty()) return out;
  const std::string_view mig = metrics::tag_value(tags, metrics::kTagMig);
  if (!mig.empty()) out += " MIG " + std::string(mig.substr(0, mig.find('/')));
  if (memory_total) out += " (" + std::to_string(std::llround(*memory_total / kGib)) + " GiB)";
  return out;
}

/// "8 x NVIDIA H100 80GB HBM3 (80 GiB)".
std::string class_of_node(const std::map<std::string, int>& devices) {
  std::string out;
  for (const auto& [device, count] : devices) {
    out += out.empty() ? "" : " + ";
    out += (count == 1 ? "" : std::to_string(count) + " x ") + device;
  }
  return out;
}

struct Load {
  double sum = 0;
  std::size_t count = 0;
  std::optional<double> peak;
  double newest_sum = 0;
  std::size_t newest_count = 0;
  std::map<std::string, int> devices;  ///< by class
  double memory_used = 0;
  bool memory_known = true;  ///< of every device

  void add(const std::vector<double>& values) {
    for (const double value : values) sum += value;
    count += values.size();
    if (values.empty()) return;
    newest_sum += values.back();
    ++newest_count;
  }
  void raise_peak(const std::vector<double>& values) {
    for (const double value : values) peak = std::max(peak.value_or(value), value);
  }
};

}  // namespace

StoreTelemetry::StoreTelemetry(const tsdb::Store& store, std::string cluster)
    : store_(store), cluster_(std::move(cluster)) {}

Result<TelemetryByNode> StoreTelemetry::nodes_of(const std::string& pool, WallTime now, Nanos window) {
  const tsdb::TimeRange range{base::to_unix_nanos(now - window), base::to_unix_nanos(now + kClockSkew)};
  const auto read = [&](tsdb::SeriesId id, std::string_view field) {
    return store_.read(kDefaultDatabase, "", id, field, range);
  };
  const auto is_ours = [&](const metrics::Tags& tags) {
    return metrics::tag_value(tags, metrics::kTagPool) == pool &&
           metrics::tag_value(tags, metrics::kTagCluster) == cluster_;
  };

  TelemetryByNode out;
  for (const tsdb::SeriesInfo& series : store_.series(kDefaultDatabase, metrics::kNode)) {
    if (!is_ours(*series.tags)) continue;
    GS_TRY(const tsdb::Column devices, read(series.id, metrics::kDevicesOk));
    if (devices.times.empty()) continue;
    const std::int64_t newest = devices.times.back();
    NodeTelemetry& said = out[std::string(metrics::tag_value(*series.tags, metrics::kTagNode))];
    const WallTime at = base::from_unix_nanos(newest);
    if (said.last_report && *said.last_report >= at) continue;
    said.last_report = at;
    said.zone = metrics::tag_value(*series.tags, metrics::kTagZone);
    said.devices_ok.reset();
    said.in_flight.reset();
    said.devices_failed = 0;
    if (const auto values = numbers(devices); !values.empty())
      said.devices_ok = static_cast<std::int64_t>(values.back());
    GS_TRY(const tsdb::Column failed, read(series.id, metrics::kDevicesFailed));
    if (const auto values = numbers(failed); !values.empty() && failed.times.back() == newest) {
      said.devices_failed = static_cast<std::int64_t>(values.back());
    }
    GS_TRY(const tsdb::Column in_flight, read(series.id, metrics::kInFlight));
    // Only of the newest line: an older count says nothing of now.
    if (const auto values = numbers(in_flight); !values.empty() && in_flight.times.back() == newest) {
      said.in_flight = static_cast<std::int64_t>(values.back());
    }
  }

  std::map<std::string, Load> loads;
  for (const tsdb::SeriesInfo& series : store_.series(kDefaultDatabase, metrics::kGpu)) {
    if (!is_ours(*series.tags)) continue;
    std::string node(metrics::tag_value(*series.tags, metrics::kTagNode));
    if (!out.contains(node)) continue;
    Load& load = loads[node];
    GS_TRY(const tsdb::Column mean, read(series.id, metrics::kUtilizationGpu));
    const auto means = numbers(mean);
    if (!means.empty()) ++out[node].devices_measured;
    load.add(means);
    load.raise_peak(means);
    GS_TRY(const tsdb::Column highest, read(series.id, metrics::kUtilizationGpuMax));
    load.raise_peak(numbers(highest));
    if (means.empty()) continue;
    GS_TRY(const Memory memory, memory_of(series.id, range, now));
    if (std::string name = class_of_device(*series.tags, memory.total); !name.empty()) ++load.devices[name];
    load.memory_used += memory.used.value_or(0);
    load.memory_known = load.memory_known && memory.used;
  }
  for (const auto& [node, load] : loads) {
    if (load.count > 0) out[node].utilization = load.sum / static_cast<double>(load.count);
    if (load.newest_count > 0)
      out[node].utilization_now = load.newest_sum / static_cast<double>(load.newest_count);
    out[node].utilization_peak = load.peak;
    out[node].gpu_class = class_of_node(load.devices);
    if (load.count > 0 && load.memory_known)
      out[node].memory_used = static_cast<std::int64_t>(load.memory_used);
  }
  return out;
}

Result<StoreTelemetry::Memory> StoreTelemetry::memory_of(tsdb::SeriesId device, tsdb::TimeRange range,
                                                         WallTime now) {
  const auto fresh = [&](const Memory& memory) {
    return memory.read <= now && now - memory.read < kMemoryLife;
  };
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = memories_.find(device); found != memories_.end() && fresh(found->second))
      return found->second;
  }
  Memory memory{.read = now, .total = {}, .used = {}};
  GS_TRY(const tsdb::Column total,
         store_.read(kDefaultDatabase, "", device, metrics::kMemoryTotalBytes, range));
  if (const auto values = numbers(total); !values.empty()) memory.total = values.back();
  GS_TRY(const tsdb::Column used,
         store_.read(kDefaultDatabase, "", device, metrics::kMemoryUsedBytes, range));
  if (const auto values = numbers(used); !values.empty()) memory.used = values.back();
  const std::scoped_lock lock(mutex_);
  // Of devices that have gone nobody asks again.
  if (memories_.size() >= kMostMemories)
    std::erase_if(memories_, [&](const auto& of) { return !fresh(of.second); });
  memories_.insert_or_assign(device, memory);
  return memory;
}

}  // namespace gpuscale::scaling
