// SPDX-License-Identifier: Apache-2.0
/// Turns the moments at which a server starts and stops working into utilisation: the mean since the last
/// reading, and the highest over sub-windows of it. Constant memory, however long nobody reads.
#pragma once
#include <optional>

#include "base/time.h"

namespace gpuscale::gpu {

/// Percent 0..100; empty where no time has passed since the last reading.
struct Utilization {
  std::optional<double> mean;
  std::optional<double> peak;  ///< >= mean
};

/// Not thread-safe. Times must not go backwards.
class BusyMeter {
 public:
  explicit BusyMeter(MonoTime start, Nanos sub_window = std::chrono::milliseconds{200})
      : sub_window_(sub_window), read_at_(start), slot_start_(start), seen_(start) {}

  void begin(MonoTime now);  ///< the server takes up work
  void end(MonoTime now);    ///< and lays it down
  /// Busy time over time since the last reading, work under way included. A trailing piece shorter than half
  /// a sub-window makes no peak: it would be a measurement of almost nothing.
  Utilization read(MonoTime now);
  Nanos total_busy() const { return total_busy_; }  ///< since construction, up to the last call

 private:
  void advance(MonoTime now);

  Nanos sub_window_;
  bool busy_ = false;
  MonoTime read_at_;
  MonoTime slot_start_;
  MonoTime seen_;  ///< everything before it is accounted for
  Nanos slot_busy_{0};
  Nanos interval_busy_{0};
  Nanos total_busy_{0};
  double peak_ = 0;
  bool has_peak_ = false;
};

}  // namespace gpuscale::gpu
