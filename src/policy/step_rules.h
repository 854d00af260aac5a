// SPDX-License-Identifier: Apache-2.0
/// Step scaling on a measured value of the user's choice: over a line add nodes, under another take some
/// away.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace gpuscale::policy {

struct StepRule {
  bool above = true;  ///< holds where the value is over `line`; else where it is under it
  double line = 0;
  std::int64_t nodes = 1;        ///< to add where above, to take away where below; over 0
  std::int64_t for_seconds = 0;  ///< must have held so long without a pause
  friend bool operator==(const StepRule&, const StepRule&) = default;
};

/// Every contradiction, one sentence each: no rule, a rule without nodes, a line below that is not under
/// every line above (the pool would grow and shrink by the same value).
std::vector<std::string> faults_of(const std::vector<StepRule>& rules);

/// Of the rules that hold the one with the most nodes counts. Nodes that boot are on their way: a rule that
/// adds two adds none while two are coming. Without a value nothing holds, and what held begins anew.
class StepRules final : public Policy {
 public:
  explicit StepRules(std::vector<StepRule> rules) : rules_(std::move(rules)), held_since_(rules_.size()) {}
  std::int64_t period_seconds() const override { return 5; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override { return reason_; }
  Evidence evidence() const override { return {.value = value_}; }

 private:
  std::vector<StepRule> rules_;
  std::vector<std::optional<std::int64_t>> held_since_;  ///< seconds, by rule
  std::optional<double> value_;
  std::string reason_;
};

}  // namespace gpuscale::policy
