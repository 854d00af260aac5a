// SPDX-License-Identifier: Apache-2.0
/// The autoscalers of AWS and Google on the mean utilisation of each minute, as their documents describe
/// them.
#pragma once
#include <deque>
#include <utility>

#include "policy/policy.h"
#include "policy/words.h"

namespace gpuscale::policy {

/// AWS target tracking: three points above the target grow, fifteen below 0.9 of it shrink, 300 s apart.
/// (Points and 0.9 are what the alarms show that AWS makes; it says only "gradually" of how much it removes.)
class AwsTargetTracking final : public Policy {
 public:
  explicit AwsTargetTracking(double target) : target_(target) {}
  std::int64_t period_seconds() const override { return 60; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override { return reason_ ? reason_() : ""; }
  Evidence evidence() const override { return evidence_; }

 private:
  double target_;
  std::optional<std::int64_t> last_in_;
  Words reason_;
  Evidence evidence_;
};

/// AWS step scaling by the example of its user guide: 10, 20 or 30 % more by how far two points exceed the
/// target; a tenth less after five points below 0.6 of it.
class AwsStep final : public Policy {
 public:
  explicit AwsStep(double target) : target_(target) {}
  std::int64_t period_seconds() const override { return 60; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override { return reason_ ? reason_() : ""; }
  Evidence evidence() const override { return evidence_; }

 private:
  double target_;
  std::optional<std::int64_t> last_in_;
  Words reason_;
  Evidence evidence_;
};

/// Google's managed instance groups: the largest size that the last ten minutes recommended.
class GoogleMig final : public Policy {
 public:
  explicit GoogleMig(double target) : target_(target) {}
  std::int64_t period_seconds() const override { return 60; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override { return reason_ ? reason_() : ""; }
  Evidence evidence() const override { return evidence_; }

 private:
  double target_;
  std::deque<std::pair<std::int64_t, std::int64_t>> recommended_;  ///< (second, nodes)
  Words reason_;
  Evidence evidence_;
};

}  // namespace gpuscale::policy
