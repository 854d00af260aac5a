// SPDX-License-Identifier: Apache-2.0
#include "policy/kubernetes.h"

#include <algorithm>
#include <cmath>

#include "policy/window.h"

namespace gpuscale::policy {
namespace {

constexpr double kTolerance = 0.1;
constexpr std::int64_t kScrapeSeconds = 30;
constexpr std::int64_t kStabilizationSeconds = 300;

/// The tick of the last scrape; 0 = none yet.
std::int64_t scraped_at(const PoolView& view) {
  return view.now() / kScrapeSeconds * kScrapeSeconds / view.tick_seconds;
}

bool within_tolerance(double ratio) {
  return std::abs(1.0 - ratio) <= kTolerance;
}

}  // namespace

std::optional<double> Hpa::scrape(const PoolView& view) const {
  constexpr std::int64_t kGaugeSeconds = 5;
  const std::int64_t end = scraped_at(view);
  if (end <= 0) return std::nullopt;
  const std::int64_t ticks = std::max<std::int64_t>(1, kGaugeSeconds / view.tick_seconds);
  const std::int64_t begin = std::max<std::int64_t>(0, end - ticks);
  return sum(view, view.utilization, begin, end) / static_cast<double>(end - begin);
}

std::int64_t Hpa::recommend(const PoolView& view, double value) const {
  const double ratio = value / options_.target;
  const auto ready = static_cast<double>(view.ready);
  if (view.booting == 0 || ratio <= 1.0) {
    return within_tolerance(ratio) ? view.size() : round_up(ratio * ready);
  }
  // Pods that are not ready count as idle when the load calls for more.
  const auto all = static_cast<double>(view.size());
  const double damped = ratio * ready / all;
  return within_tolerance(damped) || damped < 1.0 ? view.size() : round_up(damped * all);
}

std::optional<std::int64_t> Hpa::decide(const PoolView& view) {
  if (const auto fresh = scrape(view)) value_ = fresh;
  if (!value_ || view.ready == 0) return std::nullopt;
  return behave(view, recommend(view, *value_));
}

std::optional<std::int64_t> Hpa::behave(const PoolView& view, std::int64_t want) {
  const std::int64_t size = view.size();
  const std::int64_t now = view.now();
  want = std::clamp(want, view.min_nodes, view.max_nodes);
  while (!recommended_.empty() && recommended_.front().first <= now - kStabilizationSeconds) {
    recommended_.pop_front();
  }
  recommended_.emplace_back(now, want);
  if (want < size) {
    const auto largest = std::max_element(recommended_.begin(), recommended_.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    want = std::min(size, largest->second);
  }
  if (want > size) want = std::min(want, std::max(size + 4, 2 * size));
  if (options_.unneeded_seconds == 0) return want;
  if (want >= size) {
    low_since_.reset();
    return want;
  }
  if (!low_since_) low_since_ = now;
  if (now - *low_since_ < options_.unneeded_seconds) return std::nullopt;
  return want;
}

std::optional<double> Keda::scrape(const PoolView& view) const {
  constexpr std::int64_t kRateSeconds = 60;
  const std::int64_t end = scraped_at(view);
  if (end <= 0) return std::nullopt;
  const std::int64_t begin = std::max<std::int64_t>(0, end - kRateSeconds / view.tick_seconds);
  return sum(view, view.arrived, begin, end) / static_cast<double>((end - begin) * view.tick_seconds);
}

std::int64_t Keda::recommend(const PoolView& view, double value) const {
  const double ratio = value / (target() * static_cast<double>(view.size()));
  return within_tolerance(ratio) ? view.size() : round_up(value / target());
}

}  // namespace gpuscale::policy
