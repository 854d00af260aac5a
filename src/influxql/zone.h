// SPDX-License-Identifier: Apache-2.0
/// Private to the room: time zones by their IANA name, from the system's zoneinfo. Thread-safe.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gpuscale::influxql {

bool zone_exists(std::string_view name);

/// Offsets of one zone. A default-made Zone is UTC.
class Zone {
 public:
  Zone() = default;
  /// The zone of this name; UTC for an empty or unknown one.
  explicit Zone(std::string_view name);

  bool utc() const { return zone_ == nullptr; }
  /// Nanoseconds east of UTC at this instant.
  std::int64_t offset_at(std::int64_t unix_ns) const;
  /// The instant of a local time (nanoseconds as if UTC); the earlier one where it is ambiguous.
  std::int64_t to_utc(std::int64_t local_ns) const;

 private:
  const void* zone_ = nullptr;  // date::time_zone, which lives for ever
};

}  // namespace gpuscale::influxql
