// SPDX-License-Identifier: Apache-2.0
#include "policy/kubernetes.h"

#include <algorithm>
#include <cmath>

#include "policy/window.h"
#include "policy/words.h"

namespace gpuscale::policy {
namespace {

constexpr double kTolerance = 0.1;
constexpr std::int64_t kScrapeSeconds = 30;
constexpr std::int64_t kStabilizationSeconds = 300;
constexpr std::int64_t kGaugeSeconds = 5;
constexpr std::int64_t kRateSeconds = 60;

/// The tick of the last scrape; 0 = none yet.
std::int64_t scraped_at(const PoolView& view) {
  return view.now() / kScrapeSeconds * kScrapeSeconds / view.tick_seconds;
}

bool within_tolerance(double ratio) {
  return std::abs(1.0 - ratio) <= kTolerance;
}

}  // namespace

std::optional<double> Hpa::scrape(const PoolView& view) const {
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
  steps_ = {.ready = view.ready, .booting = view.booting, .min = view.min_nodes, .max = view.max_nodes};
  if (!value_ || view.ready == 0) return std::nullopt;
  steps_.advised = recommend(view, *value_);
  return behave(view, steps_.advised);
}

std::int64_t Hpa::window_seconds() const {
  return kGaugeSeconds;
}

Evidence Hpa::evidence() const {
  return {.value = value_, .target = options_.target, .window_seconds = window_seconds()};
}

std::string Hpa::what_it_saw() const {
  return "utilisation " + percent_of(value()) + " of " + nodes_of(ready()) + " over " +
         span_of(window_seconds()) + ", target " + percent_of(target());
}

std::string Hpa::reason() const {
  if (!value_) return "has no measurement yet; the metric is scraped each " + span_of(kScrapeSeconds);
  if (steps_.ready == 0) return "no node is ready";
  return what_it_saw() + ": " + what_follows();
}

std::string Hpa::what_follows() const {
  const Steps& steps = steps_;
  const std::int64_t size = steps.size();
  std::string out;
  if (steps.advised == size && steps.kept == size) {
    out = steps.booting > 0 ? "no more than there are with those that boot, which count as idle"
                            : "within a tenth of it";
    return out + ", stays at " + std::to_string(size);
  }
  out = std::to_string(steps.advised) + (steps.advised > size ? " wanted" : " would do");
  if (steps.kept > std::clamp(steps.advised, steps.min, steps.max))
    out += ", but " + wanted_within(steps.kept, kStabilizationSeconds);
  if (steps.advised > steps.max) out += ", the pool's max is " + std::to_string(steps.max);
  if (steps.advised < steps.min) out += ", the pool's min is " + std::to_string(steps.min);
  if (steps.want < steps.kept) out += ", at most " + std::to_string(steps.want) + " at once";
  if (steps.want < size && steps.low_since < options_.unneeded_seconds)
    out += ", taken away once that has lasted for " + span_of(options_.unneeded_seconds) + " (so far " +
           span_of(steps.low_since) + ")";
  return out;
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
  steps_.kept = want;
  if (want > size) want = std::min(want, std::max(size + 4, 2 * size));
  steps_.want = want;
  if (options_.unneeded_seconds == 0) return want;
  if (want >= size) {
    low_since_.reset();
    return want;
  }
  if (!low_since_) low_since_ = now;
  steps_.low_since = now - *low_since_;
  if (now - *low_since_ < options_.unneeded_seconds) return std::nullopt;
  return want;
}

std::optional<double> Keda::scrape(const PoolView& view) const {
  const std::int64_t end = scraped_at(view);
  if (end <= 0) return std::nullopt;
  const std::int64_t begin = std::max<std::int64_t>(0, end - kRateSeconds / view.tick_seconds);
  return sum(view, view.arrived, begin, end) / static_cast<double>((end - begin) * view.tick_seconds);
}

std::int64_t Keda::recommend(const PoolView& view, double value) const {
  const double ratio = value / (target() * static_cast<double>(view.size()));
  return within_tolerance(ratio) ? view.size() : round_up(value / target());
}

std::int64_t Keda::window_seconds() const {
  return kRateSeconds;
}

std::string Keda::what_it_saw() const {
  return "a load of " + work_of(value()) + " over " + span_of(kRateSeconds) + ", target " +
         number_of(target()) + " a node";
}

}  // namespace gpuscale::policy
