// SPDX-License-Identifier: Apache-2.0
/// Knative's pod autoscaler (knative/serving autoscaler.go) on concurrency, with one pod a node: stable
/// window 60 s, panic window 6 s at twice the capacity, growth by 1000 and shrinkage by 2 at most.
#pragma once
#include <deque>
#include <utility>

#include "policy/policy.h"

namespace gpuscale::policy {

struct KpaOptions {
  double target = 0.7;                ///< of a node's concurrency, 0..1
  std::int64_t scale_down_delay = 0;  ///< seconds
};

class Kpa final : public Policy {
 public:
  explicit Kpa(KpaOptions options) : options_(options) {}
  std::int64_t period_seconds() const override { return 2; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override;
  Evidence evidence() const override;

 private:
  /// How the latest decision came about.
  struct Steps {
    double stable = 0;  ///< concurrency, in nodes
    double panic = 0;
    std::int64_t advised = 0;  ///< by the stable window
    std::int64_t most = 0;     ///< and while it panics by the most since then
    std::int64_t want = 0;     ///< and after the delay
    std::int64_t now = 0;
  };
  double concurrency(const PoolView& view, std::int64_t seconds) const;

  KpaOptions options_;
  bool started_ = false;
  std::optional<std::int64_t> panic_since_;
  std::int64_t most_in_panic_ = 0;
  std::deque<std::pair<std::int64_t, std::int64_t>> delayed_;  ///< (second, nodes), descending by nodes
  Steps steps_;
};

}  // namespace gpuscale::policy
