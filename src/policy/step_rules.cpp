// SPDX-License-Identifier: Apache-2.0
#include "policy/step_rules.h"

#include <algorithm>

#include "policy/words.h"

namespace gpuscale::policy {
namespace {

std::string text_of(const StepRule& rule) {
  return (rule.above ? "above " : "below ") + number_of(rule.line);
}

}  // namespace

std::vector<std::string> faults_of(const std::vector<StepRule>& rules) {
  std::vector<std::string> out;
  if (rules.empty())
    out.emplace_back("a step policy needs steps: [{above: 80, add: 2}, {below: 30, remove: 1}]");
  for (const StepRule& rule : rules) {
    if (rule.nodes < 1) out.push_back("step " + text_of(rule) + " must add or remove at least one node");
    if (rule.for_seconds < 0) out.push_back("step " + text_of(rule) + ": for must not be negative");
    for (const StepRule& other : rules) {
      if (rule.above && !other.above && other.line >= rule.line) {
        out.push_back("step " + text_of(other) + " would remove what step " + text_of(rule) +
                      " adds; its line must be lower");
      }
    }
  }
  return out;
}

std::optional<std::int64_t> StepRules::decide(const PoolView& view) {
  value_ = view.signal;
  if (!view.signal) {
    held_since_.assign(rules_.size(), std::nullopt);
    reason_ = "its value is unknown";
    return std::nullopt;
  }
  const double value = *view.signal;
  const std::string saw = "value " + number_of(value);
  const StepRule* add = nullptr;
  const StepRule* remove = nullptr;
  reason_ = saw + ", no step holds: stays at " + std::to_string(view.size());
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const StepRule& rule = rules_[i];
    const bool holds = rule.above ? value > rule.line : value < rule.line;
    if (!holds) {
      held_since_[i].reset();
      continue;
    }
    if (!held_since_[i]) held_since_[i] = view.now();
    if (const std::int64_t held = view.now() - *held_since_[i]; held < rule.for_seconds) {
      reason_ = saw + " is " + text_of(rule) + ", so far for " + span_of(held) + " of " +
                span_of(rule.for_seconds) + ": stays at " + std::to_string(view.size());
      continue;
    }
    const StepRule*& most = rule.above ? add : remove;
    if (most == nullptr || rule.nodes > most->nodes) most = &rule;
  }
  const StepRule* rule = add != nullptr ? add : remove;
  if (rule == nullptr) return view.size();
  const std::int64_t want = rule->above ? std::max(view.size(), view.ready + rule->nodes)
                                        : std::min(view.size(), view.ready - rule->nodes);
  reason_ =
      saw + " is " + text_of(*rule) + ": " + std::to_string(want) + (rule->above ? " wanted" : " would do");
  return want;
}

}  // namespace gpuscale::policy
