// SPDX-License-Identifier: Apache-2.0
/// lookout: our own policy. What a node launched now has to serve comes one boot time later; so it learns how
/// far the need then lay above what was known when the launch had to be made, and keeps that much in hand.
///
/// Two bases of the load, a quick one and one held at its peaks, each with a histogram of its own errors over
/// exactly boot time + period (error_histogram.h); the wanted size is the mean of both bases with the
/// alpha-quantile of their errors on top, bounded by a slowly fading peak. Growth and shrinkage use the same
/// number: the held base is the hold-down. Roots throughout, since a load's noise grows like its root.
///
/// Three things are new against the first version (lookout_first.h): errors are learned of the need, which
/// forgives bursts that can wait (capacity_need.h); a load that leaves the range of the learned errors is
/// taken at once instead of being averaged (burst); and a short boot time covers fewer errors, because what
/// it fails to cover is over sooner.
///
/// It scores itself: where the need came above what it had covered too often, it says so and asks for no less
/// than plain target tracking would, until the forecast is good again.
/// Constants: docs/simulation.md, "How the constants of lookout were chosen".
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "policy/capacity_need.h"
#include "policy/error_histogram.h"
#include "policy/load_signal.h"
#include "policy/policy.h"

namespace gpuscale::policy {

struct LookoutOptions {
  double alpha = 0.9998;  ///< the share of errors to be covered at a boot time of 200 s, 0..1
  LoadSignal signal = LoadSignal::kArrived;
  /// What follows is for whoever looks for better constants; times in seconds.
  double forget = 10'800;       ///< an error counts 1/e after it
  double held_release = 1'200;  ///< the held base falls 1/e of its way in it
  double quick_average = 30;    ///< of the quick base
  double held_average = 105;    ///< of the held base, before it is held
  double peak_headroom = 0.8;   ///< of the headroom, that may be kept above the fading peak
  double burst_share = 1.7;     ///< of the headroom, beyond which a rise is a burst
  double boot_exponent = 2;     ///< how quickly a shorter boot time covers fewer errors
  double round_up_from = 0.03;  ///< a fraction of a node that is not rounded up
  double probe = 1.15;          ///< a full pool may be asked for more than it shows (kUtilization)
};

class Lookout final : public Policy {
 public:
  explicit Lookout(LookoutOptions options) : options_(options) {}
  std::int64_t period_seconds() const override { return kPeriodSeconds; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override;
  std::string learned() const override;
  Result<void> relearn(std::string_view text) override;

 private:
  static constexpr std::int64_t kPeriodSeconds = 10;
  struct Base {
    double approach;  ///< share of the way to the load that the average goes in a period
    double release;   ///< share of the way down to the average that the held peak goes in a period
    double average;
    double held;
    double headroom;             ///< roots of nodes, as of the latest decision
    std::deque<double> pending;  ///< roots of `held` whose errors are not known yet, oldest first
    ErrorHistogram errors;
  };

  void observe(const PoolView& view);
  void begin(double load);
  double need_with(Base& base, double load, double newest, double covered);
  void score(double need, std::size_t lag, double forecast);

  LookoutOptions options_;
  CapacityNeed work_;
  std::int64_t seen_ = 0;  ///< ticks before this one are known
  double peak_root_ = 0;   ///< root of the slowly fading peak of need and load
  double peak_load_ = 0;   ///< the same of the load alone; nodes
  std::vector<Base> bases_;
  std::deque<double> forecasts_;  ///< sizes whose score is not known yet, oldest first
  double missed_ = 0;             ///< fading share of periods whose need was not covered
  bool distrusted_ = false;
  double load_ = 0;  ///< as of the latest decision
  double wanted_ = 0;
};

}  // namespace gpuscale::policy
