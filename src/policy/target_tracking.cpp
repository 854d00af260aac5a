// SPDX-License-Identifier: Apache-2.0
#include "policy/target_tracking.h"

#include <algorithm>
#include <cmath>

#include "policy/window.h"
#include "policy/words.h"

namespace gpuscale::policy {
namespace {

constexpr std::int64_t kTrackedSeconds = 60;
constexpr std::int64_t kSettleSeconds = 300;
constexpr double kNearEnough = 0.1;

}  // namespace

std::optional<double> TargetTracking::measure(const PoolView& view) {
  evidence_ = {.target = target_};
  if (tracked_ == TrackedValue::kSignal) {
    if (!view.signal) {
      reason_ = "its value is unknown";
      return std::nullopt;
    }
    evidence_.value = *view.signal;
    reason_ = "value " + number_of(*view.signal) + " per node of " + nodes_of(view.ready) + ", target " +
              number_of(target_);
    return std::max(0.0, *view.signal);
  }
  const std::int64_t ticks = std::max<std::int64_t>(1, kTrackedSeconds / view.tick_seconds);
  const std::int64_t begin = std::max({std::int64_t{0}, view.first_tick, view.tick - ticks});
  if (begin >= view.tick || view.ready <= 0) {
    reason_ = "no node is ready";
    return std::nullopt;
  }
  const double mean = sum(view, view.utilization, begin, view.tick) / static_cast<double>(view.tick - begin);
  evidence_.value = mean;
  evidence_.window_seconds = (view.tick - begin) * view.tick_seconds;
  reason_ = "utilisation " + percent_of(mean) + " of " + nodes_of(view.ready) + " over " +
            span_of(*evidence_.window_seconds) + ", target " + percent_of(target_);
  return mean;
}

std::string TargetTracking::what_follows(const PoolView& view, bool near, std::int64_t recommended,
                                         std::int64_t most) const {
  if (near) return ": within a tenth of it, stays at " + std::to_string(view.size());
  const std::string number = std::to_string(recommended);
  if (recommended >= view.size()) return ": " + number + " wanted";
  const std::int64_t kept = std::min(view.size(), most);
  return ": " + number + " would do" +
         (kept > recommended ? ", but " + wanted_within(kept, kSettleSeconds) : "");
}

std::optional<std::int64_t> TargetTracking::decide(const PoolView& view) {
  const auto measured = measure(view);
  if (!measured) return std::nullopt;
  if (view.ready <= 0) {
    reason_ += ": no node is ready";
    return std::nullopt;
  }
  const double mean = *measured;
  const bool near = std::abs(mean / target_ - 1) <= kNearEnough;
  const std::int64_t exact = round_up(static_cast<double>(view.ready) * mean / target_);
  const std::int64_t recommended = near ? view.size() : exact;
  while (!recommended_.empty() && recommended_.front().first <= view.now() - kSettleSeconds) {
    recommended_.pop_front();
  }
  recommended_.emplace_back(view.now(), recommended);
  const std::int64_t most =
      std::max_element(recommended_.begin(), recommended_.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      })->second;
  reason_ += what_follows(view, near, recommended, most);
  return recommended >= view.size() ? recommended : std::min(view.size(), most);
}

}  // namespace gpuscale::policy
