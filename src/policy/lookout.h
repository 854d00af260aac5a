// SPDX-License-Identifier: Apache-2.0
/// lookout: our own policy. What a node launched now has to serve comes one boot time later; so it learns how
/// far the need then lay above what was known when the launch had to be made, and keeps that much in hand.
///
/// Three bases of the load (load_base.h), a quick one, one held at its peaks and a slow one, each with a
/// histogram of its own errors over exactly boot time + period and a memory of what it has cost. Each
/// wants its base with a quantile of its errors on top, bounded by a slowly fading peak; wanted is
/// their mean, in which the cheaper ones weigh more: all cover the same share of errors, so what a base costs
/// more buys nothing. Roots throughout, since a load's noise grows like its root.
///
/// Where the load's days, or weeks, are alike, what it did at this time of them takes the place of the
/// three, once it has proven cheaper than they are (history.h): a step that comes each morning is then
/// served by nodes that were launched before it, and no longer feared for the rest of the day.
///
/// Which quantile is right differs from load to load: for the first day it is alpha, from then on the one of
/// several around it that this load has asked for (margin_trials.h). A pool that has fallen behind gets what
/// it takes to catch up (catch_up.h).
///
/// Errors are learned of the need, which forgives what can wait (capacity_need.h). A short boot time covers
/// fewer errors, because what it fails to cover is over sooner. A pool that is full hides how much is asked
/// of it: when it stays full, nearly twice the ready nodes are wanted at once, then ever more; this teaches
/// nothing, for it is no measurement.
///
/// It scores itself: where the need came above what it had covered too often, it says so and asks for no less
/// than plain target tracking would, until the forecast is good again.
/// Constants: docs/simulation.md, "How the constants of lookout were chosen".
#pragma once
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/capacity_need.h"
#include "policy/history.h"
#include "policy/load_base.h"
#include "policy/load_signal.h"
#include "policy/margin_trials.h"
#include "policy/policy.h"
#include "policy/state_text.h"

namespace gpuscale::policy {

struct LookoutOptions {
  double alpha = 0.99978;  ///< the share of errors to be covered at a boot time of 200 s, 0..1, at first
  LoadSignal signal = LoadSignal::kArrived;
};

class Lookout final : public Policy {
 public:
  explicit Lookout(LookoutOptions options);
  std::int64_t period_seconds() const override { return kPeriodSeconds; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override;
  Evidence evidence() const override;
  std::string learned() const override;
  Result<void> relearn(std::string_view text) override;

 private:
  static constexpr auto kPeriodSeconds = static_cast<std::int64_t>(LoadBase::kPeriodSeconds);

  struct Period {
    double work = 0;  ///< node-seconds
    double seconds = 0;
  };
  Period observe(const PoolView& view);
  void begin(double load);
  void follow(const PoolView& view, const Period& period, double load, double rise);
  void learn(double need, std::size_t lag, bool settled);
  void measure(double horizon_seconds);
  double weight(const LoadBase& base) const;
  const History* history() const;
  double forecast(const PoolView& view, const Period& period, double rise);
  double behind(const PoolView& view, double waiting, double ready, double rise) const;
  std::string margin_words() const;
  std::string history_words() const;
  Result<void> read(StateReader& in, bool histories);
  void score(double need, std::size_t lag, double forecast);
  std::int64_t whole_nodes(const PoolView& view, double forecast);

  LookoutOptions options_;
  CapacityNeed work_;
  std::int64_t seen_ = 0;  ///< ticks before this one are known
  LoadBase::Peak peak_{.root = 0, .load = 0};
  std::vector<LoadBase> bases_;
  std::vector<History> histories_;  ///< of the day, and of the week
  MarginTrials trials_;
  std::size_t margin_ = MarginTrials::kFirst;
  std::deque<double> forecasts_;  ///< sizes whose score is not known yet, oldest first
  double missed_ = 0;             ///< fading share of periods whose need was not covered
  bool distrusted_ = false;
  /// Nodes that stay until enough is known; absent before the first decision.
  std::optional<std::int64_t> least_;
  std::int64_t full_seconds_ = 0;  ///< for which the pool has been full, up to now
  double load_ = 0;                ///< as of the latest decision
  double wanted_ = 0;
  double catch_up_ = 0;  ///< nodes; 0 = the pool has not fallen behind
};

}  // namespace gpuscale::policy
