// SPDX-License-Identifier: Apache-2.0
/// A Clock that stands still until a test moves it. Thread-safe.
#pragma once
#include <atomic>

#include "base/time.h"

namespace gpuscale::base::testing {

class ManualClock : public Clock {
 public:
  explicit ManualClock(WallTime start = from_unix_nanos(1'700'000'000'000'000'000))
      : wall_(to_unix_nanos(start)) {}

  WallTime wall() const override { return from_unix_nanos(wall_.load()); }
  MonoTime mono() const override { return MonoTime{Nanos{mono_.load()}}; }

  void advance(Nanos by) {
    wall_ += by.count();
    mono_ += by.count();
  }
  /// A step of the wall clock alone, as NTP or a person makes it.
  void jump_wall(Nanos by) { wall_ += by.count(); }

 private:
  std::atomic<std::int64_t> wall_;
  std::atomic<std::int64_t> mono_{1'000'000'000};
};

}  // namespace gpuscale::base::testing
