// SPDX-License-Identifier: Apache-2.0
/// Target tracking with one number that people understand: as many nodes as keep the mean utilisation at the
/// target. What a pool falls back to, and what most know from elsewhere.
#pragma once
#include <deque>
#include <utility>

#include "policy/policy.h"
#include "policy/words.h"

namespace gpuscale::policy {

enum class TrackedValue {
  kUtilization,  ///< the mean of the last 60 s; the target is 0..1
  kSignal,       ///< the policy's own formula, a value per node, of which the target is an amount
};

/// Looks each 30 s at what it tracks. Within a tenth of the target nothing changes; growth is
/// asked for at once, and only what is ready votes; shrinkage waits until the largest size of the last five
/// minutes is smaller too.
class TargetTracking final : public Policy {
 public:
  explicit TargetTracking(double target, TrackedValue tracked = TrackedValue::kUtilization)
      : target_(target), tracked_(tracked) {}
  std::int64_t period_seconds() const override { return 30; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override { return (saw_ ? saw_() : "") + (follows_ ? follows_() : ""); }
  Evidence evidence() const override { return evidence_; }

 private:
  std::optional<double> measure(const PoolView& view);

  double target_;
  TrackedValue tracked_;
  std::deque<std::pair<std::int64_t, std::int64_t>> recommended_;  ///< (second, nodes)
  Words saw_;
  Words follows_;
  Evidence evidence_;
};

}  // namespace gpuscale::policy
