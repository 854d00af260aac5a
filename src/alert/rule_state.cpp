// SPDX-License-Identifier: Apache-2.0
#include "alert/rule_state.h"

namespace gpuscale::alert {
namespace {

bool elapsed(std::optional<WallTime> since, Nanos span, WallTime now) {
  return !since || now - *since >= span || now < *since;
}

/// States that began with a message and end with one.
bool was_told(State state) {
  return state == State::kFiring || state == State::kNoData || state == State::kError;
}

void enter(Step& step, State state, WallTime now) {
  step.next.state = state;
  step.next.since = now;
  step.next.pending_since.reset();
  step.next.notified_at.reset();
}

/// Into a state that is told, or once more in it when its repeat is due.
void enter_told(Step& step, State state, const RuleSpec& spec, WallTime now, const std::string& correlation,
                const char* ledger) {
  if (step.next.state != state) {
    // What was pending began this episode.
    if (step.next.state != State::kPending) step.next.correlation = correlation;
    enter(step, state, now);
    step.tell = true;
    step.ledger = ledger;
  } else if (spec.repeat > Nanos{0} && elapsed(step.next.notified_at, spec.repeat, now)) {
    step.tell = true;
  }
  if (step.tell) step.next.notified_at = now;
}

void on_calm(Step& step, WallTime now, const char* ledger) {
  if (step.next.state == State::kInactive) return;
  step.tell = was_told(step.next.state);
  if (step.tell) step.ledger = ledger;
  enter(step, State::kInactive, now);
  if (step.tell) step.next.notified_at = now;
}

void on_true(Step& step, const RuleSpec& spec, WallTime now, const std::string& correlation) {
  RuleState& next = step.next;
  if (spec.hold_for > Nanos{0} && (next.state == State::kNoData || next.state == State::kError)) {
    // Who was told of it must be told that it is over, whatever becomes of the wait that begins now.
    return on_calm(step, now, "rule.ok");
  }
  if (next.state != State::kFiring && spec.hold_for > Nanos{0}) {
    if (next.state != State::kPending) {
      enter(step, State::kPending, now);
      next.pending_since = now;
      next.correlation = correlation;
      step.ledger = "rule.pending";
    } else if (!next.pending_since || now < *next.pending_since) {
      next.pending_since = now;
    }
    if (now - *next.pending_since < spec.hold_for) return;
  }
  enter_told(step, State::kFiring, spec, now, correlation, "rule.firing");
}

void on_blind(Step& step, const RuleSpec& spec, Blindness blindness, WallTime now,
              const std::string& correlation) {
  const bool no_data = blindness == Blindness::kNoData;
  const char* ledger = no_data ? "rule.no_data" : "rule.error";
  const bool begins = step.next.blindness != blindness;
  switch (no_data ? spec.no_data : spec.on_error) {
    case Absence::kAlert:
      enter_told(step, no_data ? State::kNoData : State::kError, spec, now, correlation, ledger);
      break;
    case Absence::kOk:
      on_calm(step, now, "rule.ok");
      break;
    case Absence::kKeep:
      if (step.next.state == State::kPending) enter(step, State::kInactive, now);
      break;
  }
  if (begins && step.ledger.empty()) step.ledger = ledger;
  step.next.blindness = blindness;
}

}  // namespace

Step advance(const RuleSpec& spec, const RuleState& state, const Evaluation& evaluation, WallTime now,
             const std::string& correlation) {
  Step step{state, false, ""};
  if (step.next.state == State::kPaused) enter(step, State::kInactive, now);
  switch (evaluation.outcome) {
    case Outcome::kTrue:
      on_true(step, spec, now, correlation);
      break;
    case Outcome::kFalse:
      on_calm(step, now, "rule.ok");
      break;
    case Outcome::kAbsent:
      on_blind(step, spec, Blindness::kNoData, now, correlation);
      break;
    case Outcome::kError:
      on_blind(step, spec, Blindness::kError, now, correlation);
      break;
  }
  const bool sees = evaluation.outcome == Outcome::kTrue || evaluation.outcome == Outcome::kFalse;
  if (sees) {
    if (state.blindness != Blindness::kNone && step.ledger.empty()) step.ledger = "rule.sees_again";
    step.next.blindness = Blindness::kNone;
  }
  if (step.tell) ++step.next.sequence;
  return step;
}

bool is_due(std::optional<WallTime> last, Nanos every, WallTime now) {
  return elapsed(last, every, now);
}

State shown_state(const RuleState& state) {
  if (state.state != State::kInactive || state.blindness == Blindness::kNone) return state.state;
  return state.blindness == Blindness::kNoData ? State::kNoData : State::kError;
}

}  // namespace gpuscale::alert
