// SPDX-License-Identifier: Apache-2.0
/// Target tracking with one number that people understand: as many nodes as keep the mean utilisation at the
/// target. What a pool falls back to, and what most know from elsewhere.
#pragma once
#include <deque>
#include <utility>

#include "policy/policy.h"

namespace gpuscale::policy {

/// Looks each 30 s at the mean of the last 60 s. Within a tenth of the target nothing changes; growth is
/// asked for at once, and only what is ready votes; shrinkage waits until the largest size of the last five
/// minutes is smaller too.
class TargetTracking final : public Policy {
 public:
  explicit TargetTracking(double target) : target_(target) {}
  std::int64_t period_seconds() const override { return 30; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override { return reason_; }

 private:
  double target_;
  std::deque<std::pair<std::int64_t, std::int64_t>> recommended_;  ///< (second, nodes)
  std::string reason_;
};

}  // namespace gpuscale::policy
