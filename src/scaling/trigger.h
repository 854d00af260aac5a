// SPDX-License-Identifier: Apache-2.0
/// Triggers: named, secret-protected handles bound to one pool and one direction, or to a command or a URL.
/// decide_trigger() is the pure heart: what one call does to the pool's desired size, and why.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cidr.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "notify/message.h"
#include "pool/node.h"
#include "scaling/guard_rails.h"

namespace gpuscale::scaling {

/// Which way a trigger moves its pool, or what else it does: run a command, call a URL (errand.h).
enum class Direction { kOut, kIn, kRun, kCall };
constexpr bool scales(Direction direction) {
  return direction == Direction::kOut || direction == Direction::kIn;
}
/// "scale_out", "scale_in", "run", "call".
std::string_view to_string(Direction direction);
std::optional<Direction> parse_direction(std::string_view text);

struct TriggerSpec {
  std::string name;
  std::string pool;  ///< of what scales
  Direction type = Direction::kOut;
  std::optional<notify::ChannelSpec> action;  ///< of kRun: as a channel exec; of kCall: as a webhook
  Nanos cooldown{0};                          ///< of an action: between two that are asked for
  int step = 1;                               ///< 1..1000, used where the call names none
  Secret secret;                              ///< empty = one is made at first start and printed once
  bool enabled = true;
  int max_step = 1000;              ///< a call that names more is refused
  int calls_per_minute = 0;         ///< through its URL; 0 = as many as come
  std::vector<base::Cidr> sources;  ///< who may call its URL; empty = everyone with the secret
  /// The same alert of Grafana or Alertmanager pulls again no sooner than this: what comes earlier is a
  /// retry.
  Nanos repeat = std::chrono::minutes{1};
  std::string on_resolved;          ///< the trigger to pull where such an alert ends; "" = none
  bool secret_given_once = false;   ///< `secret` is a person's, not the configuration's: it may be rotated
  bool secret_is_declared = false;  ///< by the configuration; set by the controller
  bool declared_off = false;        ///< the same
};

constexpr int kMaxStep = 1000;

/// One call, already authenticated.
struct TriggerCall {
  std::string trigger;
  std::optional<Direction> type;  ///< must agree with the trigger's where given
  std::optional<int> step;
  std::string idempotency_key;    ///< "" = none
  std::optional<Nanos> key_life;  ///< how long the key counts; absent = kIdempotencyLife
  std::string correlation;        ///< "" = a new one
  std::string source;             ///< "rule GPU usage high", "http 127.0.0.1", "cli"
};

/// kCooldown: refused for now, a later call may be granted. kConflict: it cannot be carried out as it stands.
enum class Verdict { kAccepted, kUnchanged, kCooldown, kConflict };
std::string_view to_string(Verdict verdict);

/// The answer to a call, as JSON shows it.
struct TriggerOutcome {
  Verdict verdict = Verdict::kUnchanged;
  std::string trigger;
  std::string pool;
  Direction type = Direction::kOut;
  int step = 1;
  int from = 0;            ///< desired before
  int to = 0;              ///< desired after
  std::string clipped_by;  ///< "", "min", "max", or a guard rail (guard_rails.h)
  std::string reason;      ///< one sentence
  std::optional<Nanos> retry_after;
  bool replayed = false;  ///< the key was seen before: this is the first answer again
  std::string correlation;
  std::int64_t errand = 0;  ///< of kRun and kCall: its number; 0 = there is none
};

/// What every trigger's answer begins with; kConflict where it is disabled or the call means another type.
/// Pure.
TriggerOutcome outcome_of_call(const TriggerSpec& trigger, const TriggerCall& call);

/// What decide_trigger() looks at.
struct PoolView {
  pool::PoolSpec spec;
  int desired = 0;
  pool::PoolCounts counts;
  std::optional<WallTime> last_out;  ///< when desired last grew by a trigger
  std::optional<WallTime> last_in;   ///< when it last shrank
  RailsView rails{};
};

/// Clips to min and max. Cooldown: no growth within cooldown_out of the last growth, no shrinking within
/// cooldown_in of the last change in either direction, since a pool that has just grown has not yet shown its
/// new load. Guard rails may leave less than was asked for, or nothing: then it is refused for now
/// (kCooldown), and retry_after says when to ask again. At min or max it is kUnchanged. Neither starts a
/// cooldown. Pure.
TriggerOutcome decide_trigger(const TriggerSpec& trigger, const TriggerCall& call, const PoolView& pool,
                              WallTime now);

/// Until when growth, shrinking is refused; absent = free. A stamp further in the future than its cooldown is
/// long (the clock was set back) counts as none. Pure.
std::optional<WallTime> cooldown_out_until(const PoolView& pool, WallTime now);
std::optional<WallTime> cooldown_in_until(const PoolView& pool, WallTime now);

}  // namespace gpuscale::scaling
