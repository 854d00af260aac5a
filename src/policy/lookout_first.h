// SPDX-License-Identifier: Apache-2.0
/// The first version of lookout (lookout.h), kept as what later ones are measured against. What a node
/// launched now has to serve comes one boot time later; so it learns how far the load then lay above what was
/// known when the launch had to be made, and keeps that much in hand.
///
/// Two bases of the load, a quick one and one held at its peaks, each with a histogram of its own errors over
/// exactly boot time + period (error_histogram.h); the wanted size is the mean of both bases with the
/// alpha-quantile of their errors on top, bounded by a slowly fading peak. Growth and shrinkage use the same
/// number: the held base is the hold-down. Roots throughout, since a load's noise grows like its root.
/// Constants: chosen on the first version of the model (docs/simulation.md), by search over nine traces.
#pragma once
#include <deque>
#include <vector>

#include "policy/error_histogram.h"
#include "policy/load_signal.h"
#include "policy/policy.h"

namespace gpuscale::policy {

struct LookoutFirstOptions {
  double alpha = 0.9995;  ///< the share of errors to be covered, 0..1
  LoadSignal signal = LoadSignal::kArrived;
};

class LookoutFirst final : public Policy {
 public:
  explicit LookoutFirst(LookoutFirstOptions options) : options_(options) {}
  std::int64_t period_seconds() const override { return kPeriodSeconds; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override;
  Evidence evidence() const override;

 private:
  static constexpr std::int64_t kPeriodSeconds = 30;
  struct Base {
    double approach;  ///< share of the way to the load that the average goes in a period
    double release;   ///< share of the way down to the average that the held peak goes in a period
    double average;
    double held;
    std::deque<double> pending;  ///< roots of `held` whose errors are not known yet, oldest first
    ErrorHistogram errors;
  };

  double load_since_last(const PoolView& view);
  void begin(double load);

  LookoutFirstOptions options_;
  std::int64_t seen_ = 0;  ///< ticks before this one are in the bases
  double peak_root_ = 0;   ///< root of the slowly fading peak of the load
  std::vector<Base> bases_;
  double load_ = 0;  ///< as of the latest decision
  double wanted_ = 0;
  bool warm_ = false;  ///< knows enough to release nodes
};

}  // namespace gpuscale::policy
