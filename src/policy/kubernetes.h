// SPDX-License-Identifier: Apache-2.0
/// Kubernetes' horizontal autoscaler (replica_calculator.go, autoscaling/v2 defaults.go) with one pod a node,
/// and what stands on it: the cluster autoscaler's delay and KEDA's external metric.
#pragma once
#include <deque>
#include <utility>

#include "policy/policy.h"

namespace gpuscale::policy {

struct HpaOptions {
  double target = 0.7;                ///< of utilisation, 0..1
  std::int64_t unneeded_seconds = 0;  ///< scale-down-unneeded-time of the cluster autoscaler; 0 = none
};

/// Looks each 15 s at a gauge that is scraped each 30 s; tolerance 0.1; grows by 4 nodes or to the double at
/// most; shrinks to the largest size recommended within 300 s.
class Hpa : public Policy {
 public:
  explicit Hpa(HpaOptions options) : options_(options) {}
  std::int64_t period_seconds() const override { return 15; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override;
  Evidence evidence() const override;

 protected:
  /// The newest value of the metric, scraped at a multiple of 30 s; nullopt before the first.
  virtual std::optional<double> scrape(const PoolView& view) const;
  virtual std::int64_t recommend(const PoolView& view, double value) const;
  virtual std::int64_t window_seconds() const;  ///< over which a scrape measures
  virtual std::string what_it_saw() const;
  double target() const { return options_.target; }
  double value() const { return *value_; }
  std::int64_t ready() const { return steps_.ready; }

 private:
  /// How the latest decision came about.
  struct Steps {
    std::int64_t ready = 0;
    std::int64_t booting = 0;
    std::int64_t min = 0;
    std::int64_t max = 0;
    std::int64_t advised = 0;    ///< by the metric alone
    std::int64_t kept = 0;       ///< within the bounds, and no less than was advised of late
    std::int64_t want = 0;       ///< and no more than may come at once
    std::int64_t low_since = 0;  ///< seconds for which fewer have been wanted
    std::int64_t size() const { return ready + booting; }
  };
  std::optional<std::int64_t> behave(const PoolView& view, std::int64_t want);
  std::string what_follows() const;

  HpaOptions options_;
  std::optional<double> value_;
  std::deque<std::pair<std::int64_t, std::int64_t>> recommended_;  ///< (second, nodes)
  std::optional<std::int64_t> low_since_;
  Steps steps_;
};

/// KEDA's Prometheus trigger, AverageValue: the load that arrived within 60 s over a target per node, polled
/// each 30 s.
class Keda final : public Hpa {
 public:
  explicit Keda(double target) : Hpa({.target = target}) {}

 protected:
  std::optional<double> scrape(const PoolView& view) const override;
  std::int64_t recommend(const PoolView& view, double value) const override;
  std::int64_t window_seconds() const override;
  std::string what_it_saw() const override;
};

}  // namespace gpuscale::policy
