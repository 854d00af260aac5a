// SPDX-License-Identifier: Apache-2.0
#include "policy/clouds.h"

#include <algorithm>
#include <vector>

#include "policy/window.h"

namespace gpuscale::policy {
namespace {

constexpr std::int64_t kCooldownSeconds = 300;

struct Points {
  double newest = 0;
  double least = 0;
  double most = 0;
};

/// The mean utilisation of each of the last `count` minutes; nullopt before there are so many.
std::optional<Points> minutes(const PoolView& view, std::int64_t count) {
  const std::int64_t ticks = std::max<std::int64_t>(1, 60 / view.tick_seconds);
  if (view.tick < count * ticks) return std::nullopt;
  Points points;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t end = view.tick - i * ticks;
    const double mean = sum(view, view.utilization, end - ticks, end) / static_cast<double>(ticks);
    if (i == 0) points = {mean, mean, mean};
    points.least = std::min(points.least, mean);
    points.most = std::max(points.most, mean);
  }
  return points;
}

bool cooled(const std::optional<std::int64_t>& last, std::int64_t now) {
  return !last || now - *last >= kCooldownSeconds;
}

}  // namespace

std::optional<std::int64_t> AwsTargetTracking::decide(const PoolView& view) {
  const auto ready = static_cast<double>(view.ready);
  if (const auto points = minutes(view, 3); points && points->least > target_) {
    return std::max(view.size(), round_up(ready * points->newest / target_));
  }
  const auto points = minutes(view, 15);
  if (!points || points->most >= 0.9 * target_ || view.booting > 0 || !cooled(last_in_, view.now())) {
    return std::nullopt;
  }
  const std::int64_t want = round_up(ready * points->most / target_);
  if (want >= view.size()) return std::nullopt;
  last_in_ = view.now();
  return want;
}

std::optional<std::int64_t> AwsStep::decide(const PoolView& view) {
  if (const auto points = minutes(view, 2); points && points->least > target_) {
    const double breach = (points->newest - target_) * 100;
    const double share = breach < 10 ? 0.1 : breach < 20 ? 0.2 : 0.3;
    const auto step = static_cast<std::int64_t>(static_cast<double>(view.ready) * share);
    return std::max(view.size(), view.ready + std::max<std::int64_t>(1, step));
  }
  const auto points = minutes(view, 5);
  if (!points || points->most >= 0.6 * target_ || !cooled(last_in_, view.now())) return std::nullopt;
  last_in_ = view.now();
  const auto step = static_cast<std::int64_t>(static_cast<double>(view.size()) * 0.1);
  return view.size() - std::max<std::int64_t>(1, step);
}

std::optional<std::int64_t> GoogleMig::decide(const PoolView& view) {
  constexpr std::int64_t kStabilizationSeconds = 600;
  const std::int64_t ticks = std::max<std::int64_t>(1, 60 / view.tick_seconds);
  const std::int64_t begin = std::max<std::int64_t>(0, view.tick - ticks);
  const double mean = sum(view, view.utilization, begin, view.tick) / static_cast<double>(view.tick - begin);
  while (!recommended_.empty() && recommended_.front().first <= view.now() - kStabilizationSeconds) {
    recommended_.pop_front();
  }
  recommended_.emplace_back(view.now(), round_up(static_cast<double>(view.ready) * mean / target_));
  return std::max_element(recommended_.begin(), recommended_.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->second;
}

}  // namespace gpuscale::policy
