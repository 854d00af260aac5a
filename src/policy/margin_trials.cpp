// SPDX-License-Identifier: Apache-2.0
#include "policy/margin_trials.h"

#include <algorithm>
#include <cmath>

#include "policy/patience.h"

namespace gpuscale::policy {
namespace {

constexpr double kDay = 86'400;
constexpr double kMemorySeconds = 14 * kDay;
constexpr double kStep = 1.6;  // between two margins
// Of the share of errors that margin kFirst leaves uncovered; at the default 0.07 %, 0.02 % and 0.02 %.
constexpr double kMostLate = 3.2;
constexpr double kHardlyMore = 0.9;
constexpr double kUsual = 1.1;  // of margin kFirst; kStep times as much with each narrower one

}  // namespace

double MarginTrials::scale(std::size_t margin) {
  // Asked for each margin at each decision.
  static const std::array<double, kCount> kScales = [] {
    std::array<double, kCount> scales{};
    for (std::size_t i = 0; i < kCount; ++i)
      scales[i] = std::pow(kStep, static_cast<double>(i) - static_cast<double>(kFirst));
    return scales;
  }();
  return kScales[margin];
}

void MarginTrials::live(double work, double seconds, std::int64_t ready_nodes) {
  if (seconds <= 0) return;
  const double fading = std::exp(-seconds / kMemorySeconds);
  seconds_ = seconds_ * fading + seconds;
  work_ = work_ * fading + work;
  for (std::size_t margin = 0; margin < kCount; ++margin) {
    Trial& trial = trials_[margin];
    const double nodes = ready(margin, ready_nodes);
    const double most = kLostSeconds * std::max(work / seconds, nodes);
    trial.waiting = std::clamp(trial.waiting + work - nodes * seconds, 0.0, most);
    trial.late *= fading;
    if (trial.waiting > kLateSeconds * nodes) trial.late += work;
  }
}

void MarginTrials::plan(std::size_t margin, std::int64_t now, std::int64_t nodes, std::int64_t boot_seconds) {
  std::deque<Plan>& plans = trials_[margin].plans;
  while (!plans.empty() && plans.back().nodes >= nodes) plans.pop_back();
  plans.push_back({now, nodes});
  while (plans.front().at < now - boot_seconds) plans.pop_front();
}

std::int64_t MarginTrials::planned(std::size_t margin, std::int64_t otherwise) const {
  const std::deque<Plan>& plans = trials_[margin].plans;
  return plans.empty() ? otherwise : plans.back().nodes;
}

double MarginTrials::ready(std::size_t margin, std::int64_t otherwise) const {
  const std::deque<Plan>& plans = trials_[margin].plans;
  return static_cast<double>(plans.empty() ? otherwise : plans.front().nodes);
}

double MarginTrials::late(std::size_t margin) const {
  return work_ > 0 ? trials_[margin].late / work_ : 0;
}

double MarginTrials::believed(std::size_t margin) const {
  const double usual = margin == 0 ? 0 : kUsual * uncovered_ * scale(margin);
  return (late(margin) * seconds_ + usual * kDay) / (seconds_ + kDay);
}

bool MarginTrials::sure() const {
  return seconds_ >= kDay;
}

std::size_t MarginTrials::best() const {
  if (!sure()) return kFirst;
  const double most = std::max(kMostLate * uncovered_, believed(0) + kHardlyMore * uncovered_);
  std::size_t margin = 0;
  while (margin + 1 < kCount && believed(margin + 1) <= most) ++margin;
  return margin;
}

void MarginTrials::write(StateWriter& out) const {
  out.put(seconds_);
  out.put(work_);
  for (const Trial& trial : trials_) out.put(trial.late);
}

Result<void> MarginTrials::read(StateReader& in) {
  MarginTrials fresh(uncovered_);
  GS_TRY(fresh.seconds_, in.number());
  GS_TRY(fresh.work_, in.number());
  for (Trial& trial : fresh.trials_) {
    GS_TRY(trial.late, in.number());
  }
  *this = std::move(fresh);
  return {};
}

}  // namespace gpuscale::policy
