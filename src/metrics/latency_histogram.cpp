// SPDX-License-Identifier: Apache-2.0
#include "metrics/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace gpuscale::metrics {

std::size_t LatencyHistogram::bucket_of(std::uint64_t value) {
  // Below 2^kSubBits a bucket holds one value; above, the leading bit chooses the row, the next kSubBits the
  // column.
  const auto bits = static_cast<unsigned>(std::bit_width(value));
  if (bits <= kSubBits) return static_cast<std::size_t>(value);
  const unsigned shift = bits - kSubBits - 1;
  return (static_cast<std::size_t>(shift) << kSubBits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t LatencyHistogram::upper_bound_of(std::size_t bucket) {
  const std::size_t row = bucket >> kSubBits;
  if (row <= 1) return bucket;
  const std::size_t shift = row - 1;
  const std::uint64_t mantissa = bucket - (shift << kSubBits);
  return ((mantissa + 1) << shift) - 1;
}

void LatencyHistogram::record(Nanos latency) {
  constexpr std::uint64_t kMax = (std::uint64_t{1} << kMaxBits) - 1;
  const auto value = std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(0, latency.count())), kMax);
  std::uint32_t& slot = counts_[bucket_of(value)];
  if (slot == std::numeric_limits<std::uint32_t>::max()) return;
  ++slot;
  ++count_;
  max_ = std::max(max_, value);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

void LatencyHistogram::clear() {
  *this = LatencyHistogram{};
}

std::optional<Nanos> LatencyHistogram::quantile(double q) const {
  if (count_ == 0) return std::nullopt;
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return Nanos{static_cast<std::int64_t>(std::min(upper_bound_of(i), max_))};
  }
  return max();
}

std::optional<Nanos> LatencyHistogram::max() const {
  if (count_ == 0) return std::nullopt;
  return Nanos{static_cast<std::int64_t>(max_)};
}

}  // namespace gpuscale::metrics
