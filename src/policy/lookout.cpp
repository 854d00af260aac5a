// SPDX-License-Identifier: Apache-2.0
#include "policy/lookout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "policy/state_text.h"
#include "policy/window.h"

namespace gpuscale::policy {
namespace {

constexpr double kPeriod = 10;
constexpr std::int64_t kLoadSeconds = 60;  // over which the load is averaged
constexpr double kPriorHeadroom = 0.1;     // of the first load
constexpr double kPriorSeconds = 2400;     // of samples that the prior weighs as much as
constexpr double kNormalQuantile = 2.576;  // of 0.995: what the prior's headroom stands for
constexpr double kPeakSeconds = 57'600;    // 16 h: one day's peak bounds the next
constexpr double kMostOverPeak = 1.8;      // of the fading peak of the load: bursts shorter than it must wait
constexpr double kLeastHeadroom = 0.05;
constexpr double kAlphaBoot = 200;  // s; boot time and period at which alpha is meant
constexpr double kMostUncovered = 0.2;
constexpr std::int64_t kWarmUpSeconds = 900;
constexpr double kSaturated = 0.999;
constexpr double kScoreSeconds = 3'600;
constexpr double kDistrustFrom = 0.25;  // of periods not covered
constexpr double kTrustFrom = 0.10;
constexpr double kFallbackTarget = 0.6;
constexpr std::string_view kStateVersion = "lookout/2";

double square(double x) {
  return x * x;
}

double share_in_period(double seconds) {
  return 1.0 - std::exp(-kPeriod / seconds);
}

}  // namespace

void Lookout::observe(const PoolView& view) {
  const bool arrivals = options_.signal == LoadSignal::kArrived;
  for (std::int64_t tick = std::max(seen_, view.first_tick); tick < view.tick; ++tick) {
    double work = view.at(arrivals ? view.arrived : view.served, tick);
    if (!arrivals && view.at(view.utilization, tick) >= kSaturated) work *= options_.probe;
    work_.add(work, view.tick_seconds, view.boot_seconds + kPeriodSeconds);
  }
  seen_ = view.tick;
}

void Lookout::begin(double load) {
  peak_root_ = std::sqrt(load);
  peak_load_ = load;
  const double deviation = kPriorHeadroom * std::sqrt(std::max(1.0, load)) / kNormalQuantile;
  const auto add = [&](double average_seconds, double held_seconds) {
    bases_.push_back({.approach = share_in_period(average_seconds),
                      .release = held_seconds > 0 ? share_in_period(held_seconds) : 1.0,
                      .average = load,
                      .held = load,
                      // Before errors are known nothing is a burst.
                      .headroom = 1e9,
                      .pending = {},
                      .errors = {kPeriod, options_.forget, deviation, kPriorSeconds / kPeriod}});
  };
  add(options_.quick_average, 0);
  add(options_.held_average, options_.held_release);
}

/// What this base wants, in nodes.
double Lookout::need_with(Base& base, double load, double newest, double covered) {
  const double edge = std::sqrt(base.average) + options_.burst_share * base.headroom;
  if (const double rise = std::max(load, newest); std::sqrt(rise) > edge) {
    base.average = rise;
  } else {
    base.average += base.approach * (load - base.average);
  }
  base.held = std::max(base.average, base.held + (base.average - base.held) * base.release);
  base.headroom = std::max(kLeastHeadroom, base.errors.quantile(covered));
  const double ceiling =
      std::min(square(peak_root_ + options_.peak_headroom * base.headroom), kMostOverPeak * peak_load_);
  return std::min(square(std::sqrt(base.held) + base.headroom), std::max(base.held, ceiling));
}

void Lookout::score(double need, std::size_t lag, double forecast) {
  forecasts_.push_back(forecast);
  while (forecasts_.size() > lag) {
    const double miss = need > forecasts_.front() ? 1.0 : 0.0;
    missed_ += share_in_period(kScoreSeconds) * (miss - missed_);
    forecasts_.pop_front();
  }
  distrusted_ = missed_ > (distrusted_ ? kTrustFrom : kDistrustFrom);
}

std::optional<std::int64_t> Lookout::decide(const PoolView& view) {
  observe(view);
  const double load = work_.mean(kLoadSeconds);
  const double newest = work_.mean(kPeriodSeconds);
  const double need = work_.take();
  const double root = std::sqrt(need);
  if (bases_.empty()) begin(load);
  const double fading = std::exp(-kPeriod / kPeakSeconds);
  peak_root_ = std::max(std::sqrt(std::max(need, load)), peak_root_ * fading);
  peak_load_ = std::max(load, peak_load_ * fading);
  const auto horizon = static_cast<double>(view.boot_seconds + kPeriodSeconds);
  const auto lag = static_cast<std::size_t>(std::ceil(horizon / kPeriod));
  const double uncovered = (1 - options_.alpha) * std::pow(kAlphaBoot / horizon, options_.boot_exponent);
  const double covered = 1 - std::min(kMostUncovered, uncovered);
  double total = 0;
  for (Base& base : bases_) {
    base.errors.pass_period();
    while (base.pending.size() >= lag) {
      base.errors.add(root - base.pending.front());
      base.pending.pop_front();
    }
    total += need_with(base, load, newest, covered);
    base.pending.push_back(std::sqrt(base.held));
  }
  double wanted = total / static_cast<double>(bases_.size());
  score(need, lag, wanted);
  if (distrusted_) wanted = std::max(wanted, load / kFallbackTarget);
  load_ = load;
  wanted_ = wanted;
  const std::int64_t want = round_up(wanted - options_.round_up_from);
  // Too little is known yet to release anything.
  return view.now() < kWarmUpSeconds ? std::max(want, view.size()) : want;
}

std::string Lookout::reason() const {
  std::array<char, 200> text{};
  const int size = std::snprintf(
      text.data(), text.size(),
      "load %.2f nodes; held %.2f and headroom for a boot time make %.2f; missed %.2f%% of the last hour%s",
      load_, bases_.empty() ? 0.0 : bases_.back().held, wanted_, 100 * missed_,
      distrusted_ ? "; the forecast is bad, so target tracking at 60% is the least" : "");
  return {text.data(), static_cast<std::size_t>(std::clamp<int>(size, 0, text.size() - 1))};
}

std::string Lookout::learned() const {
  if (bases_.empty()) return {};
  StateWriter out(kStateVersion);
  out.put(peak_root_);
  out.put(peak_load_);
  out.put(missed_);
  for (const Base& base : bases_) {
    out.put(base.average);
    out.put(base.held);
    base.errors.write(out);
  }
  return out.text();
}

Result<void> Lookout::relearn(std::string_view text) {
  GS_TRY(StateReader in, StateReader::open(kStateVersion, text));
  Lookout fresh(options_);
  fresh.begin(1);
  GS_TRY(fresh.peak_root_, in.number());
  GS_TRY(fresh.peak_load_, in.number());
  GS_TRY(fresh.missed_, in.number());
  for (Base& base : fresh.bases_) {
    GS_TRY(base.average, in.number());
    GS_TRY(base.held, in.number());
    GS_CHECK(base.errors.read(in));
  }
  GS_CHECK(in.end());
  fresh.seen_ = seen_;
  *this = std::move(fresh);
  return {};
}

}  // namespace gpuscale::policy
