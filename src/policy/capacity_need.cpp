// SPDX-License-Identifier: Apache-2.0
#include "policy/capacity_need.h"

#include <algorithm>
#include <utility>

namespace gpuscale::policy {
namespace {

/// Windows need not differ by single ticks: a quarter longer each is near enough to the greatest.
std::int64_t next_window(std::int64_t ticks) {
  return std::max(ticks + 1, ticks + ticks / 4);
}

}  // namespace

void CapacityNeed::add(double work, std::int64_t tick_seconds, std::int64_t longest_seconds) {
  tick_seconds_ = tick_seconds;
  const std::int64_t longest = std::max<std::int64_t>(1, longest_seconds / tick_seconds);
  total_.push_back(total_.back() + work);
  while (static_cast<std::int64_t>(total_.size()) > longest + 1) total_.pop_front();
  const auto known = static_cast<std::int64_t>(total_.size()) - 1;
  for (std::int64_t ticks = 1;; ticks = std::min(known, next_window(ticks))) {
    const auto window = static_cast<double>(ticks * tick_seconds);
    const double slack = kSlackSeconds * std::max(0.0, 1 - window / kWholeWindow);
    const double arrived = total_.back() - total_[static_cast<std::size_t>(known - ticks)];
    need_ = std::max(need_, arrived / (window + slack));
    if (ticks == known) return;
  }
}

double CapacityNeed::take() {
  return std::exchange(need_, 0.0);
}

double CapacityNeed::mean(std::int64_t seconds) const {
  const auto known = static_cast<std::int64_t>(total_.size()) - 1;
  const std::int64_t ticks = std::min(known, std::max<std::int64_t>(1, seconds / tick_seconds_));
  if (ticks < 1) return 0;
  const double work = total_.back() - total_[static_cast<std::size_t>(known - ticks)];
  return work / static_cast<double>(ticks * tick_seconds_);
}

}  // namespace gpuscale::policy
