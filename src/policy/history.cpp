// SPDX-License-Identifier: Apache-2.0
#include "policy/history.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gpuscale::policy {
namespace {

// docs/simulation.md, "Seasonal history".
constexpr LoadBase::Times kRestTimes{.average_seconds = 500};
constexpr std::int64_t kSlackSeconds = 300;  // so much earlier or later something may come than it did
constexpr std::int64_t kEarlySeconds = 600;  // so much earlier a rise is awaited
constexpr std::int64_t kLongestLook = 300;   // s between two looks, else nobody knows what was between
constexpr double kProofSeconds = 86'400;
constexpr double kProvenFrom = 0.95;  // of the cost without history
constexpr double kProvenUntil = 0.98;

double squared(double root) {
  return root > 0 ? root * root : 0;
}

}  // namespace

History::History(std::int64_t cycle_seconds, int sightings, double load)
    : season_(cycle_seconds, sightings), base_(kRestTimes, load) {}

void History::remember(const Look& look) {
  const auto last = std::exchange(last_at_, look.at);
  if (!look.heard || look.seconds <= 0) return;
  // Looks may come later than they should: each stands for the time since the one before.
  const bool steady = last && *last < look.at && look.at - *last <= kLongestLook;
  const double seconds = steady ? static_cast<double>(look.at - *last) : look.seconds;
  season_.add(look.at - static_cast<std::int64_t>(seconds), seconds, look.work / look.seconds * seconds);
}

void History::follow(const Look& look) {
  remember(look);
  const auto around = season_.between(look.at - kSlackSeconds, look.at + kSlackSeconds);
  const auto ahead = season_.between(look.at, look.at + look.horizon + kEarlySeconds);
  known_ = around && ahead;
  if (!known_) {
    rest_.reset();
    base_.fall_silent();
    return;
  }
  // What may be only a little early or late says nothing of today's level.
  static const double approach = LoadBase::share_in_period(kRestTimes.average_seconds);
  const double root = std::sqrt(look.load);
  if (!rest_) rest_ = root - std::clamp(root, around->least, around->most);
  const double usual = std::clamp(root - *rest_, around->least, around->most);
  *rest_ += approach * (root - *rest_ - usual);
  base_.move_to(squared(*rest_ + usual), squared(*rest_ + std::max(usual, ahead->most)), look.rise);
}

void History::compare(double seconds, double without) {
  if (!known_) return;
  const double fading = std::exp(-seconds / kProofSeconds);
  seconds_ += seconds;
  cost_ = cost_ * fading + base_.want() * seconds;
  without_ = without_ * fading + without * seconds;
  proven_ = share().value_or(1) < (proven_ ? kProvenUntil : kProvenFrom);
}

std::optional<double> History::share() const {
  if (seconds_ < kProofSeconds || without_ <= 0) return std::nullopt;
  return cost_ / without_;
}

void History::write(StateWriter& out) const {
  season_.write(out);
  base_.write(out);
  out.put(seconds_);
  out.put(cost_);
  out.put(without_);
  out.put(proven_ ? 1 : 0);
}

Result<void> History::read(StateReader& in) {
  GS_CHECK(season_.read(in));
  GS_CHECK(base_.read(in));
  GS_TRY(seconds_, in.number());
  GS_TRY(cost_, in.number());
  GS_TRY(without_, in.number());
  GS_TRY(const double proven, in.number());
  proven_ = proven > 0;
  rest_.reset();
  known_ = false;
  return {};
}

}  // namespace gpuscale::policy
