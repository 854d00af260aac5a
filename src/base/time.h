// SPDX-License-Identifier: Apache-2.0
/// Two times that never convert into each other: WallTime for what is stored and shown, MonoTime for
/// intervals and time-outs. Deciding code takes `now` as an argument; only shells hold a Clock.
#pragma once
#include <chrono>
#include <cstdint>

namespace gpuscale::base {

using Nanos = std::chrono::nanoseconds;
using WallTime = std::chrono::sys_time<Nanos>;  ///< UTC
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, Nanos>;

/// Nanoseconds since 1970-01-01T00:00:00Z, as line protocol and our tables hold them.
constexpr std::int64_t to_unix_nanos(WallTime t) {
  return t.time_since_epoch().count();
}
constexpr WallTime from_unix_nanos(std::int64_t ns) {
  return WallTime{Nanos{ns}};
}

/// Source of both times. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual MonoTime mono() const = 0;
};

}  // namespace gpuscale::base

namespace gpuscale {
using base::Clock;
using base::MonoTime;
using base::Nanos;
using base::WallTime;
}  // namespace gpuscale
