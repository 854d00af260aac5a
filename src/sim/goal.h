// SPDX-License-Identifier: Apache-2.0
/// A bound that a simulation is held to: "bad > 0.1%" fails a build. Pure.
#pragma once
#include <string>
#include <string_view>

#include "sim/pool_model.h"

namespace gpuscale::sim {

enum class Measure { kBad, kLost, kLate, kNodeHours, kActionsPerHour, kP99Wait };

class FailureCondition {
 public:
  /// "<measure> > <number>[%]" with > >= < or <=. Errors: kInvalidArgument shows what would be good.
  static Result<FailureCondition> parse(std::string_view text);

  bool holds_for(const Outcome& outcome) const;
  /// What was measured, as the condition compares it: "bad is 0.43%".
  std::string explain(const Outcome& outcome) const;

 private:
  FailureCondition() = default;
  double value_of(const Outcome& outcome) const;

  Measure measure_ = Measure::kBad;
  bool greater_ = true;
  bool or_equal_ = false;
  bool percent_ = false;
  double bound_ = 0;
};

}  // namespace gpuscale::sim
