// SPDX-License-Identifier: Apache-2.0
/// Telemetry as a test states it, within the time that the live one looks at. Thread-safe.
#pragma once
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "scaling/store_telemetry.h"
#include "scaling/telemetry.h"

namespace gpuscale::scaling::testing {

class FakeTelemetry final : public Telemetry {
 public:
  void set(const std::string& node, NodeTelemetry telemetry) {
    const std::scoped_lock lock(mutex_);
    nodes_.insert_or_assign(node, telemetry);
  }
  void forget(const std::string& node) {
    const std::scoped_lock lock(mutex_);
    nodes_.erase(node);
  }
  void clear() {
    const std::scoped_lock lock(mutex_);
    nodes_.clear();
  }
  /// Every call fails until it is cleared.
  void set_error(std::optional<Error> error) {
    const std::scoped_lock lock(mutex_);
    error_ = std::move(error);
  }

  Result<TelemetryByNode> nodes_of(const std::string&, WallTime now, Nanos window) override {
    const std::scoped_lock lock(mutex_);
    if (error_) return *error_;
    TelemetryByNode out;
    for (const auto& [id, telemetry] : nodes_) {
      const auto& at = telemetry.last_report;
      if (at && *at >= now - window && *at <= now + StoreTelemetry::kClockSkew) out.emplace(id, telemetry);
    }
    return out;
  }

 private:
  std::mutex mutex_;
  TelemetryByNode nodes_;
  std::optional<Error> error_;
};

}  // namespace gpuscale::scaling::testing
