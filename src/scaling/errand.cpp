// SPDX-License-Identifier: Apache-2.0
#include "scaling/errand.h"

#include <array>

#include "base/duration.h"

namespace gpuscale::scaling {
namespace {

constexpr std::array<std::string_view, 5> kErrandStates = {"waiting", "running", "done", "failed", "unknown"};

}  // namespace

std::string_view to_string(ErrandState state) {
  return kErrandStates.at(static_cast<std::size_t>(state));
}

std::optional<ErrandState> parse_errand_state(std::string_view text) {
  for (std::size_t i = 0; i < kErrandStates.size(); ++i)
    if (kErrandStates[i] == text) return static_cast<ErrandState>(i);
  return std::nullopt;
}

TriggerOutcome decide_errand(const TriggerSpec& trigger, const TriggerCall& call, const ErrandView& view,
                             WallTime now) {
  TriggerOutcome outcome = outcome_of_call(trigger, call);
  if (outcome.verdict == Verdict::kConflict) return outcome;
  if (view.waiting) {
    outcome.verdict = Verdict::kUnchanged;
    outcome.errand = view.waiting->id;
    outcome.correlation = view.waiting->correlation;
    outcome.reason = "trigger " + trigger.name + " was pulled before and has not begun; once does for both";
    return outcome;
  }
  // A stamp further ahead than the cooldown is long comes from a clock that has been set back.
  const bool counts = view.last_asked && *view.last_asked <= now + trigger.cooldown;
  if (counts && now - *view.last_asked < trigger.cooldown) {
    outcome.verdict = Verdict::kCooldown;
    outcome.retry_after =
        std::chrono::ceil<std::chrono::milliseconds>(trigger.cooldown - (now - *view.last_asked));
    outcome.reason =
        "trigger " + trigger.name + " cools down for another " + base::format_left(*outcome.retry_after);
    return outcome;
  }
  outcome.verdict = Verdict::kAccepted;
  outcome.reason = std::string(trigger.type == Direction::kRun ? "run the command" : "call the URL") +
                   " of trigger " + trigger.name;
  return outcome;
}

std::string words_of(const Errand& errand) {
  const std::string said = errand.result.empty() ? "" : ": " + errand.result;
  switch (errand.state) {
    case ErrandState::kWaiting:
      return "it has not begun";
    case ErrandState::kRunning:
      return "it runs";
    case ErrandState::kDone:
      return "it is done" + said;
    case ErrandState::kFailed:
      return "it failed" + said;
    case ErrandState::kUnknown:
      return "it is not known whether it took effect" + said;
  }
  return "";
}

}  // namespace gpuscale::scaling
