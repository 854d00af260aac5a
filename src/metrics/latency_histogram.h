// SPDX-License-Identifier: Apache-2.0
/// Counts of latencies in log-linear buckets (as HdrHistogram's): every power of two is cut into 128 parts,
/// so a quantile is off by at most 1/128 = 0.8 % of its value, whatever the range. 19 KiB, no allocation
/// while counting.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace gpuscale::metrics {

/// Not thread-safe. Values below 0 count as 0, those above about 73 minutes as that.
class LatencyHistogram {
 public:
  void record(Nanos latency);
  void merge(const LatencyHistogram& other);
  void clear();

  std::uint64_t count() const { return count_; }
  /// The value that a fraction `q` (0..1) of the recorded do not exceed; absent where nothing was recorded.
  std::optional<Nanos> quantile(double q) const;
  std::optional<Nanos> max() const;

 private:
  static constexpr unsigned kSubBits = 7;
  static constexpr unsigned kMaxBits = 42;
  static constexpr std::size_t kBuckets = (kMaxBits - kSubBits + 1) << kSubBits;
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_bound_of(std::size_t bucket);  ///< the largest value within

  std::array<std::uint32_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace gpuscale::metrics
