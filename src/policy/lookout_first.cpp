// SPDX-License-Identifier: Apache-2.0
#include "policy/lookout_first.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "policy/window.h"
#include "policy/words.h"

namespace gpuscale::policy {
namespace {

constexpr double kFirstPeriod = 30;
struct BaseTimes {
  double average_seconds;
  double held_seconds;  ///< 0 = not held
};
constexpr std::array<BaseTimes, 2> kFirstBases{{{60, 0}, {120, 1200}}};
constexpr double kFirstForgetSeconds = 7200;
constexpr double kFirstPriorHeadroom = 0.1;     // of the first load
constexpr double kFirstPriorSeconds = 2400;     // of samples that the prior weighs as much as
constexpr double kFirstNormalQuantile = 2.576;  // of 0.995: what the prior's headroom stands for
constexpr double kFirstPeakSeconds = 57'600;    // 16 h: one day's peak bounds the next
constexpr double kFirstPeakHeadroom = 0.7;
constexpr double kFirstLeastHeadroom = 0.05;
constexpr std::int64_t kFirstWarmUpSeconds = 900;
constexpr double kFirstSaturated = 0.999;
constexpr double kFirstProbe = 1.15;  // a full pool may be asked for more than it shows

}  // namespace

double LookoutFirst::load_since_last(const PoolView& view) {
  const std::int64_t begin = seen_;
  seen_ = view.tick;
  const bool arrivals = options_.signal == LoadSignal::kArrived;
  const double work = sum(view, arrivals ? view.arrived : view.served, begin, view.tick);
  const double load = work / static_cast<double>((view.tick - begin) * view.tick_seconds);
  if (arrivals) return load;
  bool full = false;
  for (std::int64_t tick = std::max(begin, view.first_tick); tick < view.tick; ++tick) {
    full = full || view.at(view.utilization, tick) >= kFirstSaturated;
  }
  return full ? load * kFirstProbe : load;
}

void LookoutFirst::begin(double load) {
  peak_root_ = std::sqrt(load);
  const double deviation = kFirstPriorHeadroom * std::sqrt(std::max(1.0, load)) / kFirstNormalQuantile;
  for (const BaseTimes& times : kFirstBases) {
    bases_.push_back(
        {.approach = 1.0 - std::exp(-kFirstPeriod / times.average_seconds),
         .release = times.held_seconds > 0 ? 1.0 - std::exp(-kFirstPeriod / times.held_seconds) : 1.0,
         .average = load,
         .held = load,
         .pending = {},
         .errors = {kFirstPeriod, kFirstForgetSeconds, deviation, kFirstPriorSeconds / kFirstPeriod}});
  }
}

std::optional<std::int64_t> LookoutFirst::decide(const PoolView& view) {
  const double load = load_since_last(view);
  const double root = std::sqrt(load);
  if (bases_.empty()) begin(load);
  peak_root_ = std::max(root, peak_root_ * std::exp(-kFirstPeriod / kFirstPeakSeconds));
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
    const double headroom = std::max(kFirstLeastHeadroom, base.errors.quantile(options_.alpha));
    total += std::min(std::pow(held_root + headroom, 2.0),
                      std::max(base.held, std::pow(peak_root_ + kFirstPeakHeadroom * headroom, 2.0)));
  }
  load_ = load;
  wanted_ = total / static_cast<double>(bases_.size());
  warm_ = view.now() >= kFirstWarmUpSeconds;
  const std::int64_t want = round_up(wanted_);
  // Too little is known yet to release anything.
  return view.now() < kFirstWarmUpSeconds ? std::max(want, view.size()) : want;
}

Evidence LookoutFirst::evidence() const {
  if (bases_.empty()) return {};
  return {.load = load_, .forecast = wanted_};
}

std::string LookoutFirst::reason() const {
  if (bases_.empty()) return {};
  return "load " + work_of(load_) + "; with headroom for a boot time " + number_of(wanted_) +
         (warm_ ? "" : "; releases none in its first " + span_of(kFirstWarmUpSeconds));
}

}  // namespace gpuscale::policy
