// SPDX-License-Identifier: Apache-2.0
#include "alert/rule_state.h"

#include "alert/grafana44.h"

namespace gpuscale::alert {
namespace {

bool elapsed(std::optional<WallTime> since, Nanos span, WallTime now) {
  return !since || now - *since >= span || now < *since;
}

/// States that begin with a message and end with one.
bool is_told(State state) {
  return state == State::kFiring || state == State::kRecovering || state == State::kNoData ||
         state == State::kError;
}

void enter(Step& step, State state, WallTime now) {
  step.next.state = state;
  step.next.since = now;
  step.next.pending_since.reset();
  step.next.calm_since.reset();
  step.next.notified_at.reset();
}

/// Into a state that is told, or once more in it when its repeat is due.
void enter_told(Step& step, State state, const RuleSpec& spec, const Look& look, WallTime now,
                const std::string& correlation, const char* ledger) {
  RuleState& next = step.next;
  if (next.state == State::kRecovering && state == State::kFiring) {
    next.state = State::kFiring;
    next.calm_since.reset();
    step.ledger = "rule.fires_again";
  } else if (next.state != state) {
    // What was pending began this episode.
    if (next.state != State::kPending) next.correlation = correlation;
    enter(step, state, now);
    if (state == State::kFiring) next.fired_at = now;
    step.ledger = ledger;
  }
  const bool due =
      !next.notified_at || (spec.repeat > Nanos{0} && elapsed(next.notified_at, spec.repeat, now));
  step.tell = due && !look.muted;
  if (step.tell) next.notified_at = now;
}

void end(Step& step, WallTime now, const char* ledger) {
  if (step.next.state == State::kInactive) return;
  const bool told = is_told(step.next.state);
  // Also while it is muted: a receiver that was told must not go on believing in what is over.
  step.tell = told && step.next.notified_at.has_value();
  if (told) step.ledger = ledger;
  enter(step, State::kInactive, now);
  if (step.tell) step.next.notified_at = now;
}

void on_calm(Step& step, const RuleSpec& spec, const Look& look, WallTime now) {
  RuleState& next = step.next;
  const bool fires = next.state == State::kFiring || next.state == State::kRecovering;
  // Between the two thresholds, or unable to tell: what fires goes on firing.
  if (fires && !spec.recover.empty() && look.recovered != Outcome::kTrue) return;
  if (!fires || spec.keep_firing_for <= Nanos{0}) return end(step, now, "rule.ok");
  if (next.state == State::kFiring) {
    next.state = State::kRecovering;
    next.calm_since = now;
    step.ledger = "rule.recovering";
    return;
  }
  if (!next.calm_since || now < *next.calm_since) next.calm_since = now;
  if (now - *next.calm_since >= spec.keep_firing_for) end(step, now, "rule.ok");
}

void on_true(Step& step, const RuleSpec& spec, const Look& look, WallTime now,
             const std::string& correlation) {
  RuleState& next = step.next;
  if (spec.hold_for > Nanos{0} && (next.state == State::kNoData || next.state == State::kError)) {
    // Who was told of it must be told that it is over, whatever becomes of the wait that begins now.
    return end(step, now, "rule.ok");
  }
  const bool fires = next.state == State::kFiring || next.state == State::kRecovering;
  if (!fires && spec.hold_for > Nanos{0}) {
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
  enter_told(step, State::kFiring, spec, look, now, correlation, "rule.firing");
}

void on_blind(Step& step, const RuleSpec& spec, Blindness blindness, const Look& look, WallTime now,
              const std::string& correlation) {
  const bool no_data = blindness == Blindness::kNoData;
  const char* ledger = no_data ? "rule.no_data" : "rule.error";
  const bool begins = step.next.blindness != blindness;
  switch (no_data ? spec.no_data : spec.on_error) {
    case Absence::kAlert:
    case Absence::kNoData:
      enter_told(step, no_data ? State::kNoData : State::kError, spec, look, now, correlation, ledger);
      break;
    case Absence::kOk:
      end(step, now, "rule.ok");
      break;
    case Absence::kKeep:
      if (step.next.state == State::kPending) enter(step, State::kInactive, now);
      if (step.next.state == State::kRecovering) step.next.calm_since = now;
      break;
  }
  if (begins && step.ledger.empty()) step.ledger = ledger;
  step.next.blindness = blindness;
}

// --- profile grafana-4.4
// -------------------------------------------------------------------------------------

grafana44::State as_grafana(State state) {
  switch (state) {
    case State::kFiring:
    case State::kRecovering:
      return grafana44::State::kAlerting;
    case State::kNoData:
      return grafana44::State::kNoData;
    default:
      return grafana44::State::kOk;
  }
}

std::optional<grafana44::State> as_grafana(Absence absence) {
  switch (absence) {
    case Absence::kAlert:
      return grafana44::State::kAlerting;
    case Absence::kOk:
      return grafana44::State::kOk;
    case Absence::kNoData:
      return grafana44::State::kNoData;
    case Absence::kKeep:
      break;
  }
  return std::nullopt;
}

grafana44::Seen as_grafana(Outcome outcome) {
  switch (outcome) {
    case Outcome::kTrue:
      return grafana44::Seen::kFiring;
    case Outcome::kAbsent:
      return grafana44::Seen::kNoData;
    case Outcome::kError:
      return grafana44::Seen::kError;
    case Outcome::kFalse:
      break;
  }
  return grafana44::Seen::kOk;
}

void advance_as_grafana(Step& step, const RuleSpec& spec, const Look& look, WallTime now,
                        const std::string& correlation) {
  const grafana44::Options options{as_grafana(spec.no_data), spec.on_error == Absence::kKeep};
  const auto transition = grafana44::advance(as_grafana(step.next.state), as_grafana(look.outcome), options);
  if (!transition.changed) return;
  const bool calm = transition.state == grafana44::State::kOk;
  const bool no_data = transition.state == grafana44::State::kNoData;
  if (step.next.state == State::kInactive) step.next.correlation = correlation;
  enter(step, calm ? State::kInactive : no_data ? State::kNoData : State::kFiring, now);
  if (step.next.state == State::kFiring) step.next.fired_at = now;
  step.ledger = calm ? "rule.ok" : no_data ? "rule.no_data" : "rule.firing";
  step.tell = transition.notify && !look.muted;
  if (step.tell) step.next.notified_at = now;
}

}  // namespace

Step advance(const RuleSpec& spec, const RuleState& state, const Look& look, WallTime now,
             const std::string& correlation) {
  Step step{state, false, ""};
  if (step.next.state == State::kPaused) enter(step, State::kInactive, now);
  if (spec.profile == Profile::kGrafana44) {
    advance_as_grafana(step, spec, look, now, correlation);
    if (step.tell) ++step.next.sequence;
    return step;
  }
  switch (look.outcome) {
    case Outcome::kTrue:
      on_true(step, spec, look, now, correlation);
      break;
    case Outcome::kFalse:
      on_calm(step, spec, look, now);
      break;
    case Outcome::kAbsent:
      on_blind(step, spec, Blindness::kNoData, look, now, correlation);
      break;
    case Outcome::kError:
      on_blind(step, spec, Blindness::kError, look, now, correlation);
      break;
  }
  const bool sees = look.outcome == Outcome::kTrue || look.outcome == Outcome::kFalse;
  if (sees) {
    if (state.blindness != Blindness::kNone && step.ledger.empty()) step.ledger = "rule.sees_again";
    step.next.blindness = Blindness::kNone;
  }
  step.next.muted = look.muted;
  if (step.tell) ++step.next.sequence;
  return step;
}

bool is_due(std::optional<WallTime> last, Nanos every, WallTime now) {
  return elapsed(last, every, now);
}

bool is_held(const RuleState& state) {
  return state.blindness != Blindness::kNone || state.muted || state.state == State::kRecovering;
}

State shown_state(const RuleState& state) {
  if (state.state != State::kInactive || state.blindness == Blindness::kNone) return state.state;
  return state.blindness == Blindness::kNoData ? State::kNoData : State::kError;
}

}  // namespace gpuscale::alert
