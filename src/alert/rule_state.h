// SPDX-License-Identifier: Apache-2.0
/// The state machine of a rule: what an evaluation makes of the state, and what is to be told. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "alert/engine.h"
#include "alert/evaluate.h"
#include "alert/rule.h"
#include "base/time.h"

namespace gpuscale::alert {

/// What kept the last evaluation from an answer.
enum class Blindness { kNone, kNoData, kError };

/// Lasts over restarts.
struct RuleState {
  State state = State::kInactive;
  WallTime since{};
  std::optional<WallTime> pending_since;
  std::optional<WallTime> notified_at;  ///< of the newest notification of this state
  std::uint64_t sequence = 0;
  std::string correlation;
  Blindness blindness = Blindness::kNone;
};

/// What one evaluation led to.
struct Step {
  RuleState next;
  bool tell = false;   ///< a notification of next.state is due
  std::string ledger;  ///< "rule.firing", "rule.ok", ...; "" = nothing worth a line
};

/// `correlation` is taken for an episode that begins here. While a rule is blind and keeps its state, a
/// firing one stays firing but repeats nothing, since a repeat acts; a pending one starts again, since `for`
/// must have been seen to hold. Steps of the wall clock backwards restart `for` and `repeat` instead of
/// stretching them.
Step advance(const RuleSpec& spec, const RuleState& state, const Evaluation& evaluation, WallTime now,
             const std::string& correlation);

/// Whether a rule last begun at `last` is due; also after the clock was set back.
bool is_due(std::optional<WallTime> last, Nanos every, WallTime now);

/// The state to show: a calm rule that is blind is not called inactive.
State shown_state(const RuleState& state);

}  // namespace gpuscale::alert
