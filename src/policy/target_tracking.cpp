// SPDX-License-Identifier: Apache-2.0
#include "policy/target_tracking.h"

#include <algorithm>
#include <cmath>

#include "policy/window.h"

namespace gpuscale::policy {
namespace {

constexpr std::int64_t kTrackedSeconds = 60;
constexpr std::int64_t kSettleSeconds = 300;
constexpr double kNearEnough = 0.1;

/// @param most of the recommendations of late
std::string what_follows(std::int64_t size, bool near, std::int64_t recommended, std::int64_t most) {
  if (near) return ": within a tenth of it, stays at " + std::to_string(size);
  const std::string number = std::to_string(recommended);
  if (recommended >= size) return ": " + number + " wanted";
  const std::int64_t kept = std::min(size, most);
  return ": " + number + " would do" +
         (kept > recommended ? ", but " + wanted_within(kept, kSettleSeconds) : "");
}

}  // namespace

std::optional<double> TargetTracking::measure(const PoolView& view) {
  evidence_ = {.target = target_};
  if (tracked_ == TrackedValue::kSignal) {
    if (!view.signal) {
      saw_ = [] { return "its value is unknown"; };
      return std::nullopt;
    }
    evidence_.value = *view.signal;
    saw_ = [value = *view.signal, ready = view.ready, target = target_] {
      return "value " + number_of(value) + " per node of " + nodes_of(ready) + ", target " +
             number_of(target);
    };
    return std::max(0.0, *view.signal);
  }
  const std::int64_t ticks = std::max<std::int64_t>(1, kTrackedSeconds / view.tick_seconds);
  const std::int64_t begin = std::max({std::int64_t{0}, view.first_tick, view.tick - ticks});
  if (begin >= view.tick || view.ready <= 0) {
    saw_ = [] { return "no node is ready"; };
    return std::nullopt;
  }
  const double mean = sum(view, view.utilization, begin, view.tick) / static_cast<double>(view.tick - begin);
  evidence_.value = mean;
  evidence_.window_seconds = (view.tick - begin) * view.tick_seconds;
  saw_ = [mean, ready = view.ready, over = *evidence_.window_seconds, target = target_] {
    return "utilisation " + percent_of(mean) + " of " + nodes_of(ready) + " over " + span_of(over) +
           ", target " + percent_of(target);
  };
  return mean;
}

std::optional<std::int64_t> TargetTracking::decide(const PoolView& view) {
  follows_ = nullptr;
  const auto measured = measure(view);
  if (!measured) return std::nullopt;
  if (view.ready <= 0) {
    follows_ = [] { return ": no node is ready"; };
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
  follows_ = [size = view.size(), near, recommended, most] {
    return what_follows(size, near, recommended, most);
  };
  return recommended >= view.size() ? recommended : std::min(view.size(), most);
}

}  // namespace gpuscale::policy
