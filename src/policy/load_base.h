// SPDX-License-Identifier: Apache-2.0
/// Private to the room: one view of what a load is now, and how far the need a boot time later comes above
/// it.
#pragma once
#include <array>
#include <cstddef>
#include <deque>

#include "base/result.h"
#include "policy/error_histogram.h"
#include "policy/margin_trials.h"
#include "policy/state_text.h"

namespace gpuscale::policy {

/// A level of the load that is followed look by look, the errors that were made by it (in roots of nodes,
/// since a load's noise grows like its root), and what it wants: the level with a quantile of its errors on
/// top. What leaves the range of the learned errors is a burst: it is taken at once on top of the level, and
/// forgotten soon after it is over. Constants: docs/simulation.md, "How the constants of lookout were
/// chosen".
class LoadBase {
 public:
  /// Between two looks.
  static constexpr double kPeriodSeconds = 5;
  struct Times {
    double average_seconds;   ///< over which the load is averaged
    double held_seconds = 0;  ///< in which the held peak falls 1/e of its way down; 0 = it is not held
  };
  /// A slowly fading peak of the load, which bounds what is wanted.
  struct Peak {
    double root;  ///< of need and load; roots of nodes
    double load;  ///< of the load alone; nodes
  };
  using Margins = std::array<double, MarginTrials::kCount>;

  LoadBase(const Times& times, double load);

  /// The share of its way that something goes in a period which goes all but 1/e of it in `seconds`.
  static double share_in_period(double seconds);

  /// @param rise the most that the load has been lately, in nodes: what a burst is told by
  void follow(double load, double rise);
  /// The same where somebody else knows what the load is on average, and the level that it comes to.
  void move_to(double average, double level, double rise);

  /// A look is over, whose need is known now.
  /// @param lag looks from a launch to its use
  /// @param speak whether the present level is a forecast: a guess's error would be remembered for hours
  void learn(double need, std::size_t lag, bool speak);
  /// Forgets the forecasts whose errors are not known yet.
  void fall_silent() { pending_.clear(); }

  /// What each margin leaves on top.
  /// @param uncovered the shares of errors that each margin leaves uncovered, ascending
  void measure(const Margins& uncovered, std::size_t margin, const Peak& peak);
  /// Nodes with a margin, and with the one in use; as of the latest measure().
  double want(std::size_t margin, const Peak& peak) const { return want_with(headrooms_[margin], peak); }
  double want() const { return want_; }

  /// A fading mean of want(), nodes.
  double cost() const { return cost_; }
  void count_cost();

  /// Level and errors; not a burst, nor forecasts whose errors are not known.
  void write(StateWriter& out) const;
  /// kInvalidArgument leaves it half read.
  Result<void> read(StateReader& in);

 private:
  double want_with(double headroom, const Peak& peak) const;

  double approach_;  ///< share of the way to the load that the average goes in a period
  double release_;   ///< share of the way down to the average that the held peak goes in a period
  double average_;
  double held_;
  double burst_ = 0;  ///< nodes above held_, while a burst lasts
  Margins headrooms_{};
  double headroom_;             ///< roots of nodes, with the margin that is in use
  double want_;                 ///< nodes
  double cost_;                 ///< nodes
  std::deque<double> pending_;  ///< roots of the level whose errors are not known yet, oldest first
  ErrorHistogram errors_;
};

}  // namespace gpuscale::policy
