// SPDX-License-Identifier: Apache-2.0
#include "scaling/trigger.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/duration.h"

namespace gpuscale::scaling {
namespace {

constexpr std::array<std::string_view, 4> kDirections = {"scale_out", "scale_in", "run", "call"};

/// What is left of a cooldown that began at `began`. A stamp further ahead of `now` than the cooldown is long
/// comes from a clock that has been set back; honouring it could freeze the pool for years.
std::optional<Nanos> remaining(std::optional<WallTime> began, Nanos cooldown, WallTime now) {
  if (!began || *began > now + cooldown) return std::nullopt;
  const Nanos left = *began + cooldown - now;
  return left > Nanos{0} ? std::optional(left) : std::nullopt;
}

/// Rounded up to whole milliseconds so that the text stays short and waiting that long suffices.
Nanos round_up(Nanos left) {
  return std::chrono::ceil<std::chrono::milliseconds>(left);
}

}  // namespace

std::string_view to_string(Direction direction) {
  return kDirections.at(static_cast<std::size_t>(direction));
}

std::optional<Direction> parse_direction(std::string_view text) {
  for (std::size_t i = 0; i < kDirections.size(); ++i)
    if (kDirections[i] == text) return static_cast<Direction>(i);
  return std::nullopt;
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAccepted:
      return "accepted";
    case Verdict::kUnchanged:
      return "unchanged";
    case Verdict::kCooldown:
      return "cooldown";
    case Verdict::kConflict:
      return "conflict";
  }
  return "unknown";
}

std::optional<WallTime> cooldown_out_until(const PoolView& pool, WallTime now) {
  const auto left = remaining(pool.last_out, pool.spec.cooldown_out, now);
  return left ? std::optional(now + *left) : std::nullopt;
}

std::optional<WallTime> cooldown_in_until(const PoolView& pool, WallTime now) {
  const auto after_out = remaining(pool.last_out, pool.spec.cooldown_in, now);
  const auto after_in = remaining(pool.last_in, pool.spec.cooldown_in, now);
  if (!after_out && !after_in) return std::nullopt;
  return now + std::max(after_out.value_or(Nanos{0}), after_in.value_or(Nanos{0}));
}

TriggerOutcome outcome_of_call(const TriggerSpec& trigger, const TriggerCall& call) {
  TriggerOutcome outcome;
  outcome.trigger = trigger.name;
  outcome.pool = trigger.pool;
  outcome.type = trigger.type;
  outcome.step = std::clamp(call.step.value_or(trigger.step), 1, kMaxStep);
  outcome.correlation = call.correlation;
  if (!trigger.enabled) {
    outcome.verdict = Verdict::kConflict;
    outcome.reason = "trigger " + trigger.name + " is disabled";
    return outcome;
  }
  if (call.type && *call.type != trigger.type) {
    outcome.verdict = Verdict::kConflict;
    outcome.reason = "trigger " + trigger.name + " is for " + std::string(to_string(trigger.type)) +
                     ", the call asks for " + std::string(to_string(*call.type));
  }
  return outcome;
}

TriggerOutcome decide_trigger(const TriggerSpec& trigger, const TriggerCall& call, const PoolView& pool,
                              WallTime now) {
  TriggerOutcome outcome = outcome_of_call(trigger, call);
  outcome.from = pool.desired;
  outcome.to = pool.desired;
  if (outcome.verdict == Verdict::kConflict) return outcome;

  const bool out = trigger.type == Direction::kOut;
  // Bounds may have changed since the size was set, so the step starts from inside them.
  const int start = std::clamp(pool.desired, pool.spec.min, pool.spec.max);
  const std::int64_t wanted = std::int64_t{start} + (out ? outcome.step : -outcome.step);
  const int target =
      static_cast<int>(std::clamp(wanted, std::int64_t{pool.spec.min}, std::int64_t{pool.spec.max}));
  if (wanted > target) outcome.clipped_by = "max";
  if (wanted < target) outcome.clipped_by = "min";

  if (target == pool.desired) {
    outcome.verdict = Verdict::kUnchanged;
    outcome.reason =
        "pool " + trigger.pool + " is at its " + outcome.clipped_by + " of " + std::to_string(target);
    return outcome;
  }
  const auto until = out ? cooldown_out_until(pool, now) : cooldown_in_until(pool, now);
  if (until) {
    outcome.verdict = Verdict::kCooldown;
    outcome.clipped_by.clear();
    outcome.retry_after = round_up(*until - now);
    outcome.reason = "pool " + trigger.pool + " cools down for another " +
                     base::format_left(*outcome.retry_after) + " before it may " + (out ? "grow" : "shrink");
    return outcome;
  }
  const RailsVerdict rails = apply_rails(pool.spec, pool.rails, pool.desired, target, false, now);
  if (!rails.clipped_by.empty()) outcome.clipped_by = rails.clipped_by;
  if (rails.to == pool.desired) {
    outcome.retry_after = rails.retry_after ? std::optional(round_up(*rails.retry_after)) : std::nullopt;
    outcome.verdict = Verdict::kCooldown;
    outcome.reason =
        "pool " + trigger.pool + " stays at " + std::to_string(pool.desired) + ": " + rails.reason;
    return outcome;
  }
  outcome.verdict = Verdict::kAccepted;
  outcome.to = rails.to;
  outcome.reason = std::string(out ? "grow" : "shrink") + " pool " + trigger.pool + " from " +
                   std::to_string(pool.desired) + " to " + std::to_string(rails.to);
  if (!outcome.clipped_by.empty()) outcome.reason += ", clipped by " + outcome.clipped_by;
  if (!rails.reason.empty()) outcome.reason += " (" + rails.reason + ")";
  return outcome;
}

}  // namespace gpuscale::scaling
