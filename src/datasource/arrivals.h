// SPDX-License-Identifier: Apache-2.0
/// When samples reached the store, for the timeline from sample to node. Remembers the newest writes alone.
/// Thread-safe.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <optional>

#include "base/time.h"

namespace gpuscale::datasource {

class Arrivals {
 public:
  /// A write whose newest point is of `newest` was durable at `stored`.
  void note(WallTime newest, WallTime stored) {
    const std::scoped_lock lock(mutex_);
    writes_[next_ % kKept] = {newest, stored};
    ++next_;
  }

  /// When the first sample at or after `sample` was durable, as far as is remembered. A bucket's time is that
  /// of its start, so this is the first sample of that bucket.
  std::optional<WallTime> of(WallTime sample) const {
    const std::scoped_lock lock(mutex_);
    std::optional<WallTime> first;
    for (std::size_t i = 0; i < std::min(next_, kKept); ++i) {
      if (writes_[i].newest >= sample && (!first || writes_[i].stored < *first)) first = writes_[i].stored;
    }
    return first;
  }

 private:
  static constexpr std::size_t kKept = 1'024;
  struct Write {
    WallTime newest;
    WallTime stored;
  };
  mutable std::mutex mutex_;
  std::array<Write, kKept> writes_{};
  std::size_t next_ = 0;
};

}  // namespace gpuscale::datasource
