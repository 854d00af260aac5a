// SPDX-License-Identifier: Apache-2.0
#include "policy/target_tracking.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "policy/window.h"

namespace gpuscale::policy {
namespace {

constexpr std::int64_t kTrackedSeconds = 60;
constexpr std::int64_t kSettleSeconds = 300;
constexpr double kNearEnough = 0.1;

}  // namespace

std::optional<double> TargetTracking::measure(const PoolView& view) {
  std::array<char, 120> text{};
  if (tracked_ == TrackedValue::kSignal) {
    if (!view.signal) {
      reason_ = "its value is unknown";
      return std::nullopt;
    }
    std::snprintf(text.data(), text.size(), "value %.4g per node of %lld nodes, target %.4g", *view.signal,
                  static_cast<long long>(view.ready), target_);
    reason_ = text.data();
    return std::max(0.0, *view.signal);
  }
  const std::int64_t ticks = std::max<std::int64_t>(1, kTrackedSeconds / view.tick_seconds);
  const std::int64_t begin = std::max({std::int64_t{0}, view.first_tick, view.tick - ticks});
  if (begin >= view.tick || view.ready <= 0) return std::nullopt;
  const double mean = sum(view, view.utilization, begin, view.tick) / static_cast<double>(view.tick - begin);
  std::snprintf(text.data(), text.size(), "utilisation %.1f%% of %lld nodes, target %.1f%%", 100 * mean,
                static_cast<long long>(view.ready), 100 * target_);
  reason_ = text.data();
  return mean;
}

std::optional<std::int64_t> TargetTracking::decide(const PoolView& view) {
  const auto measured = measure(view);
  if (!measured || view.ready <= 0) return std::nullopt;
  const double mean = *measured;
  const bool near = std::abs(mean / target_ - 1) <= kNearEnough;
  const std::int64_t exact = round_up(static_cast<double>(view.ready) * mean / target_);
  const std::int64_t recommended = near ? view.size() : exact;
  while (!recommended_.empty() && recommended_.front().first <= view.now() - kSettleSeconds) {
    recommended_.pop_front();
  }
  recommended_.emplace_back(view.now(), recommended);
  if (recommended >= view.size()) return recommended;
  const auto most = std::max_element(recommended_.begin(), recommended_.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return std::min(view.size(), most->second);
}

}  // namespace gpuscale::policy
