// SPDX-License-Identifier: Apache-2.0
/// What a trigger of type run or call does: a command of the operator's, or an HTTP request. Each is written
/// down before it is begun and begun at most once; where a crash hides how it ended, that is what is said.
/// decide_errand() is pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "scaling/trigger.h"

namespace gpuscale::scaling {

/// kUnknown: it was begun, and nobody knows whether it took effect.
enum class ErrandState { kWaiting, kRunning, kDone, kFailed, kUnknown };
/// "waiting", "running", "done", "failed", "unknown".
std::string_view to_string(ErrandState state);
std::optional<ErrandState> parse_errand_state(std::string_view text);

struct Errand {
  std::int64_t id = 0;
  std::string trigger;
  ErrandState state = ErrandState::kWaiting;
  std::string correlation;
  std::string source;  ///< who asked for it
  WallTime asked;
  std::optional<WallTime> started;
  std::optional<WallTime> ended;
  std::string result;  ///< "exit code 0: ...", at most kMaxErrandResult bytes
};

constexpr std::size_t kMaxErrandResult = 2'048;
/// What has waited longer is not begun any more: who asked no longer expects it.
constexpr Nanos kErrandLife = std::chrono::hours{1};

/// What decide_errand() looks at.
struct ErrandView {
  std::optional<Errand> waiting;
  std::optional<WallTime> last_asked;  ///< of the newest, in whatever state
};

/// One that waits does for all who ask meanwhile (kUnchanged); within the trigger's cooldown of the last that
/// was asked for: kCooldown; else kAccepted, and the caller writes it down. Pure.
TriggerOutcome decide_errand(const TriggerSpec& trigger, const TriggerCall& call, const ErrandView& view,
                             WallTime now);

/// "it is done: exit code 0": how far it has come.
std::string words_of(const Errand& errand);

}  // namespace gpuscale::scaling
