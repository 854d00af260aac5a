// SPDX-License-Identifier: Apache-2.0
/// Telemetry from what agents have written to the embedded store: the measurements `node` and `gpu` (names in
/// metrics/telemetry.h).
#pragma once
#include <string>

#include "scaling/telemetry.h"
#include "tsdb/store.h"

namespace gpuscale::scaling {

/// Thread-safe as the store is. Cost: one look at the catalogue, then reads of the pool's own series only.
class StoreTelemetry final : public Telemetry {
 public:
  StoreTelemetry(const tsdb::Store& store, std::string cluster);  // the store outlives it

  /// Samples up to kClockSkew after `now` count: agents on other machines have clocks of their own.
  Result<TelemetryByNode> nodes_of(const std::string& pool, WallTime now, Nanos window) override;

  static constexpr Nanos kClockSkew = std::chrono::seconds{5};

 private:
  const tsdb::Store& store_;
  std::string cluster_;
};

}  // namespace gpuscale::scaling
