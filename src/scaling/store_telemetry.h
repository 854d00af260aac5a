// SPDX-License-Identifier: Apache-2.0
/// Telemetry from what agents have written to the embedded store: the measurements `node` and `gpu` (names in
/// metrics/telemetry.h).
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "scaling/telemetry.h"
#include "tsdb/store.h"

namespace gpuscale::scaling {

/// Thread-safe. Cost: one look at the catalogue, then reads of the pool's own series only.
class StoreTelemetry final : public Telemetry {
 public:
  StoreTelemetry(const tsdb::Store& store, std::string cluster);  // the store outlives it

  /// Samples up to kClockSkew after `now` count: agents on other machines have clocks of their own.
  Result<TelemetryByNode> nodes_of(const std::string& pool, WallTime now, Nanos window) override;

  static constexpr Nanos kClockSkew = std::chrono::seconds{5};

 private:
  /// Of a device, asked for less often than its load.
  struct Memory {
    WallTime read;
    std::optional<double> total;  ///< bytes
    std::optional<double> used;
  };
  static constexpr Nanos kMemoryLife = std::chrono::seconds{10};
  static constexpr std::size_t kMostMemories = 100'000;  ///< then those that are not asked for are forgotten

  Result<Memory> memory_of(tsdb::SeriesId device, tsdb::TimeRange range, WallTime now);

  const tsdb::Store& store_;
  std::string cluster_;
  std::mutex mutex_;
  std::map<tsdb::SeriesId, Memory> memories_;  ///< of the devices that report
};

}  // namespace gpuscale::scaling
