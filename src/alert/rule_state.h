// SPDX-License-Identifier: Apache-2.0
/// The state machine of a rule, or of one series of it: what a look makes of the state, and what is to be
/// told. Pure.
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
  std::optional<WallTime> fired_at;     ///< of the episode that fires, or fired last
  std::optional<WallTime> calm_since;   ///< of a kRecovering
  std::optional<WallTime> notified_at;  ///< of the newest notification of this state; absent = not told yet
  std::uint64_t sequence = 0;
  std::string correlation;
  Blindness blindness = Blindness::kNone;
  bool muted = false;  ///< what it would tell is withheld
};

/// What one look saw.
struct Look {
  Outcome outcome = Outcome::kAbsent;
  Outcome recovered = Outcome::kAbsent;  ///< of the rule's recover condition, where it has one
  bool muted = false;                    ///< a silence or a mute window covers it
};

/// What one look led to.
struct Step {
  RuleState next;
  bool tell = false;   ///< a notification of next.state is due
  std::string ledger;  ///< "rule.firing", "rule.ok", ...; "" = nothing worth a line
};

/// `correlation` is taken for an episode that begins here. While a rule is blind and keeps its state, a
/// firing one stays firing but repeats nothing, since a repeat acts; a pending one starts again, since `for`
/// must have been seen to hold, and so does the wait of keep_firing_for. A muted rule changes its states and
/// tells nothing but the end of what was told; once it is no longer muted, what still holds is told. Steps of
/// the wall clock backwards restart `for`, `keep_firing_for` and `repeat` instead of stretching them.
Step advance(const RuleSpec& spec, const RuleState& state, const Look& look, WallTime now,
             const std::string& correlation);

/// Whether a rule last begun at `last` is due; also after the clock was set back.
bool is_due(std::optional<WallTime> last, Nanos every, WallTime now);

/// Whether messages of this state that still wait must go on waiting.
bool is_held(const RuleState& state);

/// The state to show: a calm rule that is blind is not called inactive.
State shown_state(const RuleState& state);

}  // namespace gpuscale::alert
