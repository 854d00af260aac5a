// SPDX-License-Identifier: Apache-2.0
#include "scaling/size_order.h"

#include <algorithm>
#include <cstdlib>

#include "base/duration.h"

namespace gpuscale::scaling {

TriggerOutcome decide_size(const SizeOrder& order, const pool::PoolSpec& spec, const RailsView& rails,
                           int desired, WallTime now) {
  TriggerOutcome outcome;
  outcome.pool = spec.name;
  outcome.from = desired;
  const int wanted = std::clamp(order.size, spec.min, spec.max);
  if (order.size > wanted) outcome.clipped_by = "max";
  if (order.size < wanted) outcome.clipped_by = "min";
  const RailsVerdict verdict = apply_rails(spec, rails, desired, wanted, order.by_hand, now);
  outcome.to = verdict.to;
  if (!verdict.clipped_by.empty()) outcome.clipped_by = verdict.clipped_by;
  outcome.type = outcome.to >= outcome.from ? Direction::kOut : Direction::kIn;
  outcome.step = std::max(1, std::abs(outcome.to - outcome.from));
  if (outcome.to == outcome.from) {
    outcome.verdict = Verdict::kUnchanged;
    outcome.reason = "pool " + spec.name + " is already to have " + std::to_string(outcome.to);
    if (!verdict.reason.empty()) outcome.reason += ": " + verdict.reason;
    return outcome;
  }
  outcome.verdict = Verdict::kAccepted;
  outcome.reason = order.who + " sets pool " + spec.name + " from " + std::to_string(outcome.from) + " to " +
                   std::to_string(outcome.to);
  if (order.hold_for) outcome.reason += " for " + base::format_duration(*order.hold_for);
  if (!outcome.clipped_by.empty()) outcome.reason += ", clipped by " + outcome.clipped_by;
  if (!verdict.reason.empty()) outcome.reason += " (" + verdict.reason + ")";
  return outcome;
}

}  // namespace gpuscale::scaling
