// SPDX-License-Identifier: Apache-2.0
#include "policy/lookout.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "policy/window.h"

namespace gpuscale::policy {
namespace {

constexpr double kPeriod = 30;
struct BaseTimes {
  double average_seconds;
  double held_seconds;  ///< 0 = not held
};
constexpr std::array<BaseTimes, 2> kBases{{{60, 0}, {120, 1200}}};
constexpr double kForgetSeconds = 7200;
constexpr double kPriorHeadroom = 0.1;     // of the first load
constexpr double kPriorSeconds = 2400;     // of samples that the prior weighs as much as
constexpr double kNormalQuantile = 2.576;  // of 0.995: what the prior's headroom stands for
constexpr double kPeakSeconds = 57'600;    // 16 h: one day's peak bounds the next
constexpr double kPeakHeadroom = 0.7;
constexpr double kLeastHeadroom = 0.05;
constexpr std::int64_t kWarmUpSeconds = 900;
constexpr double kSaturated = 0.999;
constexpr double kProbe = 1.15;  // a full pool may be asked for more than it shows

double square(double x) {
  return x * x;
}

}  // namespace

double Lookout::load_since_last(const PoolView& view) {
  const std::int64_t begin = seen_;
  seen_ = view.tick;
  const bool arrivals = options_.signal == LoadSignal::kArrived;
  const double work = sum(arrivals ? view.arrived : view.served, begin, view.tick);
  const double load = work / static_cast<double>((view.tick - begin) * view.tick_seconds);
  if (arrivals) return load;
  const auto ticks =
      view.utilization.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(view.tick - begin));
  const bool full = std::any_of(ticks.begin(), ticks.end(), [](double u) { return u >= kSaturated; });
  return full ? load * kProbe : load;
}

void Lookout::begin(double load) {
  peak_root_ = std::sqrt(load);
  const double deviation = kPriorHeadroom * std::sqrt(std::max(1.0, load)) / kNormalQuantile;
  for (const BaseTimes& times : kBases) {
    bases_.push_back({.approach = 1.0 - std::exp(-kPeriod / times.average_seconds),
                      .release = times.held_seconds > 0 ? 1.0 - std::exp(-kPeriod / times.held_seconds) : 1.0,
                      .average = load,
                      .held = load,
                      .pending = {},
                      .errors = {kPeriod, kForgetSeconds, deviation, kPriorSeconds / kPeriod}});
  }
}

std::optional<std::int64_t> Lookout::decide(const PoolView& view) {
  const double load = load_since_last(view);
  const double root = std::sqrt(load);
  if (bases_.empty()) begin(load);
  peak_root_ = std::max(root, peak_root_ * std::exp(-kPeriod / kPeakSeconds));
  const auto lag =
      static_cast<std::size_t>((view.boot_seconds + kPeriodSeconds + kPeriodSeconds - 1) / kPeriodSeconds);
  double total = 0;
  for (Base& base : bases_) {
    base.average += base.approach * (load - base.average);
    base.held = std::max(base.average, base.held + (base.average - base.held) * base.release);
    const double held_root = std::sqrt(base.held);
    base.errors.pass_period();
    base.pending.push_back(held_root);
    while (base.pending.size() > lag) {
      base.errors.add(root - base.pending.front());
      base.pending.pop_front();
    }
    const double headroom = std::max(kLeastHeadroom, base.errors.quantile(options_.alpha));
    total += std::min(square(held_root + headroom),
                      std::max(base.held, square(peak_root_ + kPeakHeadroom * headroom)));
  }
  const std::int64_t want = round_up(total / static_cast<double>(bases_.size()));
  // Too little is known yet to release anything.
  return view.now() < kWarmUpSeconds ? std::max(want, view.size()) : want;
}

}  // namespace gpuscale::policy
