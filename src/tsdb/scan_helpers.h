// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how many threads help those that scan, all scans together.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <utility>

namespace gpuscale::tsdb {

/// One fewer than there are processors: more would take from each other, and from those that write. Further
/// scans have their own threads alone. Thread-safe.
class ScanHelpers {
 public:
  explicit ScanHelpers(std::size_t processors) : free_(processors > 1 ? processors - 1 : 0) {}

  class Lent {
   public:
    Lent(ScanHelpers& of, std::size_t count) : of_(of), count_(count) {}
    ~Lent() { of_.free_ += count_; }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;
    std::size_t count() const { return count_; }

   private:
    ScanHelpers& of_;
    const std::size_t count_;
  };
  /// As many as are free, at most `wanted`; it never waits.
  Lent lend(std::size_t wanted) {
    std::size_t free = free_;
    std::size_t count = std::min(free, wanted);
    while (!free_.compare_exchange_weak(free, free - count)) count = std::min(free, wanted);
    return {*this, count};
  }

 private:
  std::atomic<std::size_t> free_;
};

}  // namespace gpuscale::tsdb
