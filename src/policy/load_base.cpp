// SPDX-License-Identifier: Apache-2.0
#include "policy/load_base.h"

#include <algorithm>
#include <cmath>

namespace gpuscale::policy {
namespace {

constexpr double kForgetSeconds = 12'500;  // after which an error counts 1/e
constexpr double kCostSeconds = 7'200;     // over which the bases' costs are compared
constexpr double kBurstShare = 1;          // of the headroom, beyond which a rise is a burst
constexpr double kBurstRelease = 15;       // s in which a burst falls to 1/e
constexpr double kPriorHeadroom = 0.12;    // of the root of the first load, at least of one node
constexpr double kPriorSeconds = 600;      // of samples that the prior weighs as much as
constexpr double kNormalQuantile = 2.576;  // of 0.995: what the prior's headroom stands for
constexpr double kPeakHeadroom = 1.5;      // of the headroom, that may be kept above the fading peak
constexpr double kMostOverPeak = 1.86;     // of the fading peak of the load: bursts shorter than it must wait
constexpr double kLeastHeadroom = 0.05;
constexpr double kNothingIsABurst = 1e9;  // before errors are known

double square(double x) {
  return x * x;
}

double prior_deviation(double load) {
  return kPriorHeadroom * std::sqrt(std::max(1.0, load)) / kNormalQuantile;
}

}  // namespace

LoadBase::LoadBase(const Times& times, double load)
    : approach_(share_in_period(times.average_seconds)),
      release_(times.held_seconds > 0 ? share_in_period(times.held_seconds) : 1.0),
      average_(load),
      held_(load),
      headroom_(kNothingIsABurst),
      want_(load),
      cost_(load),
      errors_(kPeriodSeconds, kForgetSeconds, prior_deviation(load), kPriorSeconds / kPeriodSeconds) {}

double LoadBase::share_in_period(double seconds) {
  return 1.0 - std::exp(-kPeriodSeconds / seconds);
}

void LoadBase::follow(double load, double rise) {
  const double average = average_ + approach_ * (load - average_);
  move_to(average, average, rise);
}

void LoadBase::move_to(double average, double level, double rise) {
  static const double burst_release = share_in_period(kBurstRelease);
  const double edge = std::sqrt(average_) + kBurstShare * headroom_;
  average_ = average;
  held_ = std::max(level, held_ + (level - held_) * release_);
  burst_ -= burst_ * burst_release;
  if (std::sqrt(rise) > edge) burst_ = std::max(burst_, rise - held_);
}

void LoadBase::learn(double need, std::size_t lag, bool speak) {
  errors_.pass_period();
  while (pending_.size() >= lag) {
    errors_.add(std::sqrt(need) - pending_.front());
    pending_.pop_front();
  }
  if (speak) pending_.push_back(std::sqrt(held_ + burst_));
}

void LoadBase::measure(const Margins& uncovered, std::size_t margin, const Peak& peak) {
  errors_.quantiles(uncovered, headrooms_);
  for (double& headroom : headrooms_) headroom = std::max(kLeastHeadroom, headroom);
  headroom_ = headrooms_[margin];
  want_ = want_with(headroom_, peak);
}

double LoadBase::want_with(double headroom, const Peak& peak) const {
  const double level = held_ + burst_;
  const double ceiling = std::min(square(peak.root + kPeakHeadroom * headroom), kMostOverPeak * peak.load);
  return std::min(square(std::sqrt(level) + headroom), std::max(level, ceiling));
}

void LoadBase::count_cost() {
  static const double share = share_in_period(kCostSeconds);
  cost_ += share * (want_ - cost_);
}

void LoadBase::write(StateWriter& out) const {
  out.put(average_);
  out.put(held_);
  out.put(cost_);
  errors_.write(out);
}

Result<void> LoadBase::read(StateReader& in) {
  GS_TRY(average_, in.number());
  GS_TRY(held_, in.number());
  GS_TRY(cost_, in.number());
  return errors_.read(in);
}

}  // namespace gpuscale::policy
