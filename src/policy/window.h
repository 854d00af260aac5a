// SPDX-License-Identifier: Apache-2.0
/// Private to the room: sums over the latest ticks, and the one way in which the policies round up.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "policy/policy.h"

namespace gpuscale::policy {

/// Over the ticks [begin, end), as far as they are still known. From left to right, so that every
/// implementation of the model adds in the same order.
inline double sum(const PoolView& view, std::span<const double> series, std::int64_t begin,
                  std::int64_t end) {
  double total = 0;
  for (std::int64_t tick = std::max(begin, view.first_tick); tick < end; ++tick)
    total += view.at(series, tick);
  return total;
}

/// The smallest whole number that is not below x, forgiving the noise of floating point.
inline std::int64_t round_up(double x) {
  constexpr double kNoise = 1e-9;
  constexpr double kMost = 1e9;  // nodes; beyond it no bound of a pool lies, and the conversion stays defined
  return static_cast<std::int64_t>(std::ceil(std::clamp(x, -kMost, kMost) - kNoise));
}

}  // namespace gpuscale::policy
