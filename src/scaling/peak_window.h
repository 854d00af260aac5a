// SPDX-License-Identifier: Apache-2.0
/// The highest of the values of a sliding window. Bounded: it keeps only what may still become the peak, at
/// most one value a second. Not thread-safe.
#pragma once
#include <algorithm>
#include <deque>

#include "base/time.h"

namespace gpuscale::scaling {

class PeakWindow {
 public:
  void add(MonoTime at, double value) {
    while (!kept_.empty() && kept_.back().value <= value) kept_.pop_back();
    // Within a second the earlier, higher value stands for both.
    if (!kept_.empty() && at - kept_.back().at < std::chrono::seconds{1}) return;
    kept_.push_back({at, value});
    if (kept_.size() > kMost) kept_.pop_front();
  }

  /// 0 where the window holds none. Forgets what is older.
  double peak(MonoTime now, Nanos window) {
    while (!kept_.empty() && now - kept_.front().at > window) kept_.pop_front();
    return kept_.empty() ? 0 : kept_.front().value;
  }

 private:
  struct Kept {
    MonoTime at;
    double value;
  };
  static constexpr std::size_t kMost = 86'400;
  std::deque<Kept> kept_;  ///< values descending, times ascending
};

}  // namespace gpuscale::scaling
