// SPDX-License-Identifier: Apache-2.0
// The commands of the controller: what people, rules and programs ask of it. Each is one change of the book.
#include <algorithm>
#include <utility>

#include "base/rfc3339.h"
#include "scaling/live_controller.h"

namespace gpuscale::scaling {
namespace {

/// A caller's key is its own; longer than this it is no key but a payload.
constexpr std::size_t kMaxKeyBytes = 256;
/// Equal refusals of a trigger within this time are counted and told together with the next one.
constexpr Nanos kRefusalQuiet = std::chrono::seconds{10};
constexpr std::size_t kMaxWants = 512;
constexpr Nanos kKeptQuiet = std::chrono::minutes{1};

template <typename Named>
const Named* find_named(const std::vector<Named>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

template <typename Named>
Error unknown(const std::string& what, const std::string& name, const std::vector<Named>& all) {
  std::string known;
  for (const Named& one : all) known += (known.empty() ? "" : ", ") + one.name;
  return fail(Errc::kNotFound,
              "no " + what + " \"" + name + "\"; known: " + (known.empty() ? "none" : known));
}

nlohmann::json inputs_of(const TriggerOutcome& outcome, const TriggerCall& call, const pool::PoolSpec& spec) {
  nlohmann::json details{{"from", outcome.from},
                         {"to", outcome.to},
                         {"step", outcome.step},
                         {"min", spec.min},
                         {"max", spec.max},
                         {"source", call.source},
                         {"type", to_string(outcome.type)},
                         {"pool", outcome.pool},
                         {"trigger", outcome.trigger}};
  details["clipped_by"] = outcome.clipped_by.empty() ? nlohmann::json() : nlohmann::json(outcome.clipped_by);
  return details;
}

activity::Entry entry(std::string kind, const TriggerOutcome& outcome, std::string subject,
                      std::string summary, nlohmann::json details, WallTime now) {
  return {.id = 0,
          .at = now,
          .kind = std::move(kind),
          .pool = outcome.pool,
          .subject = std::move(subject),
          .correlation = outcome.correlation,
          .summary = std::move(summary),
          .details = std::move(details)};
}

/// A person's act on one node: an episode of its own, written down with its reason.
void tell_node(Draft& draft, NodeRecord& record, std::string kind, std::string reason, const std::string& who,
               WallTime now) {
  record.episode = activity::new_correlation();
  record.node.reason = std::move(reason);
  draft.raise_revision(record.node.pool.value());
  draft.tell({.id = 0,
              .at = now,
              .kind = std::move(kind),
              .pool = record.node.pool.value(),
              .subject = record.node.id.value(),
              .correlation = record.episode,
              .summary = record.node.id.value() + ": " + record.node.reason,
              .details = {{"source", who}, {"cause", to_string(record.cause)}}});
}

}  // namespace

Result<void> LiveController::authenticate(const std::string& trigger, const std::string& secret) const {
  const auto held = setup();
  if (find_named(held->triggers, trigger) == nullptr) return unknown("trigger", trigger, held->triggers);
  const auto found = held->secrets.find(trigger);
  if (found == held->secrets.end() || !found->second.matches(secret)) {
    return fail(Errc::kUnauthenticated, "wrong secret for trigger \"" + trigger + "\"");
  }
  return {};
}

Result<std::string> LiveController::secret_digest(const std::string& trigger) const {
  const auto held = setup();
  if (find_named(held->triggers, trigger) == nullptr) return unknown("trigger", trigger, held->triggers);
  const auto found = held->secrets.find(trigger);
  if (found == held->secrets.end() || found->second.digest.empty()) {
    return fail(Errc::kUnsupported, "trigger \"" + trigger +
                                        "\" keeps its secret as older versions did; give it a new secret in "
                                        "the config to sign calls");
  }
  return found->second.digest;
}

Result<TriggerOutcome> LiveController::pull(const TriggerCall& call) {
  const auto held = setup();
  const TriggerSpec* trigger = find_named(held->triggers, call.trigger);
  if (trigger == nullptr) return unknown("trigger", call.trigger, held->triggers);
  if (call.step && (*call.step < 1 || *call.step > kMaxStep)) {
    return fail(Errc::kInvalidArgument, "step is " + std::to_string(*call.step) +
                                            "; it must be a whole number from 1 to " +
                                            std::to_string(kMaxStep));
  }
  if (call.step && *call.step > trigger->max_step) {
    return fail(Errc::kInvalidArgument, "step is " + std::to_string(*call.step) + "; trigger " +
                                            trigger->name + " takes at most " +
                                            std::to_string(trigger->max_step));
  }
  if (call.idempotency_key.size() > kMaxKeyBytes) {
    return fail(Errc::kInvalidArgument, "Idempotency-Key has " + std::to_string(call.idempotency_key.size()) +
                                            " bytes; at most " + std::to_string(kMaxKeyBytes) + " are taken");
  }
  const WallTime now = parts_.clock.wall();
  TriggerOutcome outcome;
  if (!scales(trigger->type)) {
    GS_CHECK(
        book_->change([&](Draft& draft) { return decide_errand_in(draft, *trigger, call, now, outcome); }));
  } else {
    const pool::PoolSpec* spec = find_named(held->pools, trigger->pool);
    if (spec == nullptr) return unknown("pool", trigger->pool, held->pools);
    const auto work = work_of(spec->name);
    GS_CHECK(book_->change(
        [&](Draft& draft) { return decide_in(draft, *trigger, call, *spec, work, now, outcome); }));
  }
  parts_.log.info("trigger.pulled", {{"trigger", call.trigger},
                                     {"status", to_string(outcome.verdict)},
                                     {"from", outcome.from},
                                     {"to", outcome.to},
                                     {"replayed", outcome.replayed},
                                     {"source", call.source},
                                     {"reason", outcome.reason}});
  if (outcome.verdict == Verdict::kAccepted && !outcome.replayed) {
    if (!scales(trigger->type)) {
      errands_->wake();
      return outcome;
    }
    refresh(now);
    wake();
  }
  return outcome;
}

Result<bool> LiveController::recall(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call,
                                    WallTime now, TriggerOutcome& outcome) const {
  if (call.idempotency_key.empty()) return false;
  GS_TRY(auto first, draft.store().recall(draft.transaction(), trigger.name, call.idempotency_key, now,
                                          call.key_life.value_or(kIdempotencyLife)));
  if (!first) return false;
  outcome = *std::move(first);
  outcome.replayed = true;
  return true;
}

Result<bool> LiveController::note_verdict(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call,
                                          const TriggerOutcome& outcome, WallTime now) {
  const bool accepted = outcome.verdict == Verdict::kAccepted;
  // A refusal changed nothing and may be different next time, so a key binds only what was granted.
  const bool granted = accepted || outcome.verdict == Verdict::kUnchanged;
  if (granted && !call.idempotency_key.empty()) {
    GS_CHECK(draft.store().remember(draft.transaction(), trigger.name, call.idempotency_key, outcome, now));
  }
  if (!accepted) tell_refusal(draft, outcome, call, now);
  return accepted;
}

Result<void> LiveController::decide_errand_in(Draft& draft, const TriggerSpec& trigger,
                                              const TriggerCall& call, WallTime now,
                                              TriggerOutcome& outcome) {
  GS_TRY(const bool seen, recall(draft, trigger, call, now, outcome));
  if (seen) {
    GS_TRY(const std::string progress, errands_->progress_of(draft, outcome));
    outcome.reason += "; this key was seen before, and " + progress;
    return {};
  }
  GS_CHECK(errands_->decide_in(draft, trigger, call, now, outcome));
  GS_TRY(const bool accepted, note_verdict(draft, trigger, call, outcome, now));
  if (!accepted) return {};
  draft.tell(entry("trigger.accepted", outcome, trigger.name, call.source + ": " + outcome.reason,
                   {{"source", call.source},
                    {"type", to_string(outcome.type)},
                    {"trigger", outcome.trigger},
                    {"errand", outcome.errand}},
                   now));
  return {};
}

Result<std::vector<Errand>> LiveController::errands(const std::string& trigger, std::size_t most) const {
  GS_CHECK(trigger_named(trigger));
  return errands_->newest(trigger, most);
}

Result<void> LiveController::decide_in(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call,
                                       const pool::PoolSpec& spec, std::optional<double> work, WallTime now,
                                       TriggerOutcome& outcome) {
  GS_TRY(const bool seen, recall(draft, trigger, call, now, outcome));
  if (seen) return {};
  PoolRecord* pool = draft.pool(trigger.pool);
  if (pool == nullptr)
    return fail(Errc::kInternal, "pool " + trigger.pool + " is configured but has no record");
  RailsView rails = rails_of(draft, *pool, spec, work);
  const int step = call.step.value_or(trigger.step);
  const int wanted = pool->desired + (trigger.type == Direction::kOut ? step : -step);
  note_want(spec, std::clamp(wanted, spec.min, spec.max), rails, now);
  const TriggerInputs inputs{trigger, call,
                             PoolView{spec, pool->desired, draft.counts(trigger.pool), pool->last_out,
                                      pool->last_in, std::move(rails)},
                             now};
  outcome = decide_trigger(trigger, call, inputs.pool, now);
  if (worth_keeping("trigger " + trigger.name, outcome, now)) {
    GS_CHECK(parts_.journal->add(draft.transaction(), spec.name, now, encode(inputs), text_of(outcome)));
  }
  if (outcome.correlation.empty()) outcome.correlation = activity::new_correlation();
  GS_TRY(const bool accepted, note_verdict(draft, trigger, call, outcome, now));
  if (!accepted) return {};
  pool->desired = outcome.to;
  (outcome.to > outcome.from ? pool->last_out : pool->last_in) = now;
  pool->memory.add_change({now, outcome.from, outcome.to, work, false});
  pool->correlation = outcome.correlation;
  draft.raise_revision(trigger.pool);
  const nlohmann::json details = inputs_of(outcome, call, spec);
  draft.tell(
      entry("trigger.accepted", outcome, trigger.name, call.source + ": " + outcome.reason, details, now));
  draft.tell(entry("pool.desired", outcome, trigger.pool, outcome.reason, details, now));
  return {};
}

bool LiveController::worth_keeping(const std::string& kind, const TriggerOutcome& outcome, WallTime now) {
  const std::scoped_lock lock(refusals_mutex_);
  Kept& last = kept_[kind];
  std::string like(to_string(outcome.verdict));
  like += ' ' + outcome.clipped_by + ' ' + std::to_string(outcome.from);
  const bool again = last.like == like && now >= last.at && now - last.at < kKeptQuiet;
  if (again && outcome.verdict != Verdict::kAccepted) return false;
  last = {now, std::move(like)};
  return true;
}

void LiveController::tell_refusal(Draft& draft, const TriggerOutcome& outcome, const TriggerCall& call,
                                  WallTime now) {
  const std::scoped_lock lock(refusals_mutex_);
  auto [found, first] = refusals_.try_emplace(outcome.trigger, Refusal{outcome.verdict, now});
  Refusal& last = found->second;
  const bool quiet =
      !first && last.verdict == outcome.verdict && now >= last.told && now - last.told < kRefusalQuiet;
  if (quiet) {
    ++last.untold;
    return;
  }
  nlohmann::json details{
      {"from", outcome.from},        {"step", outcome.step},       {"type", to_string(outcome.type)},
      {"source", call.source},       {"trigger", outcome.trigger}, {"status", to_string(outcome.verdict)},
      {"untold_before", last.untold}};
  if (outcome.retry_after)
    details["retry_after_seconds"] = std::chrono::duration<double>(*outcome.retry_after).count();
  const bool unchanged = outcome.verdict == Verdict::kUnchanged;
  draft.tell(entry(unchanged ? "trigger.unchanged" : "trigger.refused", outcome, outcome.trigger,
                   call.source + ": " + outcome.reason, std::move(details), now));
  last = Refusal{outcome.verdict, now};
}

std::optional<double> LiveController::work_of(const std::string& pool) const {
  const auto now = snapshot();
  const auto part = now->find(pool);
  if (part == now->end()) return std::nullopt;
  // Load of which a part is unknown is no measure to compare later loads with.
  const RemovalProof& proof = part->second->pool.proof;
  return proof.nodes > 0 && proof.unknown == 0 ? std::optional(proof.work_now) : std::nullopt;
}

RailsView LiveController::rails_of(const Draft& draft, const PoolRecord& record, const pool::PoolSpec& spec,
                                   std::optional<double> work) const {
  RailsView view{.memory = record.memory, .wants = {}, .work = work, .fleet_gpus_left = {}};
  view.gpus_running = draft.counts(spec.name).capacity() * spec.limits.gpus_per_node;
  if (parts_.options.fleet_max_gpus <= 0) return view;
  int left = parts_.options.fleet_max_gpus;
  for (const auto held = setup(); const pool::PoolSpec& other : held->pools) {
    if (other.name == spec.name) continue;
    left -=
        std::max(draft.desired(other.name), draft.counts(other.name).capacity()) * other.limits.gpus_per_node;
  }
  view.fleet_gpus_left = left;
  return view;
}

void LiveController::note_want(const pool::PoolSpec& spec, int size, RailsView& rails, WallTime now) {
  const Nanos window = std::max(spec.limits.stabilise_out, spec.limits.stabilise_in);
  if (window <= Nanos{0}) return;
  const std::scoped_lock lock(refusals_mutex_);
  std::vector<Want>& wants = wants_[spec.name];
  std::erase_if(wants, [&](const Want& old) { return old.at > now || now - old.at > window; });
  rails.wants = wants;
  // Of equal wants in a row the newest stands for all: it is what lasts longest.
  if (!wants.empty() && wants.back().size == size) wants.pop_back();
  if (wants.size() == kMaxWants) wants.erase(wants.begin());
  wants.push_back({now, size});
}

Result<TriggerOutcome> LiveController::set_desired(const std::string& pool, int desired,
                                                   const std::string& who, std::optional<Nanos> hold_for) {
  return change_size(pool, desired, who, HandOrder{hold_for});
}

Result<TriggerOutcome> LiveController::propose_size(const std::string& pool, int desired,
                                                    const std::string& who) {
  return change_size(pool, desired, who, std::nullopt);
}

Result<TriggerOutcome> LiveController::change_size(const std::string& pool, int desired,
                                                   const std::string& who,
                                                   const std::optional<HandOrder>& by_hand) {
  const std::optional<Nanos> hold_for = by_hand ? by_hand->hold_for : std::nullopt;
  const auto held = setup();
  const pool::PoolSpec* spec = find_named(held->pools, pool);
  if (spec == nullptr) return unknown("pool", pool, held->pools);
  const WallTime now = parts_.clock.wall();
  TriggerOutcome outcome;
  const auto work = work_of(pool);
  GS_CHECK(book_->change([&](Draft& draft) -> Result<void> {
    PoolRecord* record = draft.pool(pool);
    if (record == nullptr) return fail(Errc::kInternal, "pool " + pool + " is configured but has no record");
    const SizeInputs inputs{SizeOrder{who, desired, by_hand.has_value(), hold_for}, *spec,
                            rails_of(draft, *record, *spec, work), record->desired, now};
    outcome = decide_size(inputs.order, *spec, inputs.rails, inputs.desired, now);
    if (worth_keeping("size of " + pool, outcome, now))
      GS_CHECK(parts_.journal->add(draft.transaction(), pool, now, encode(inputs), text_of(outcome)));
    outcome.correlation = activity::new_correlation();
    if (by_hand) record->memory.size_override.reset();
    if (hold_for) record->memory.size_override = SizeOverride{outcome.to, who, now + *hold_for};
    if (outcome.to == outcome.from) return {};
    record->memory.add_change({now, outcome.from, outcome.to, work, by_hand.has_value()});
    record->desired = outcome.to;
    // A change by hand starts the cooldowns too: a rule must not undo it before its effect shows.
    (outcome.to > outcome.from ? record->last_out : record->last_in) = now;
    record->correlation = outcome.correlation;
    draft.raise_revision(pool);
    nlohmann::json details = inputs_of(outcome, TriggerCall{.source = who}, *spec);
    details["asked"] = desired;
    draft.tell(entry("pool.desired", outcome, pool, outcome.reason, std::move(details), now));
    return {};
  }));
  refresh(now);
  wake();
  return outcome;
}

Result<void> LiveController::set_hold(const std::string& pool, Hold hold) {
  const auto held = setup();
  if (find_named(held->pools, pool) == nullptr) return unknown("pool", pool, held->pools);
  const WallTime now = parts_.clock.wall();
  GS_CHECK(book_->change([&](Draft& draft) -> Result<void> {
    PoolRecord* record = draft.pool(pool);
    if (record == nullptr) return fail(Errc::kInternal, "pool " + pool + " is configured but has no record");
    const std::string until = hold.until ? " until " + base::format_second(*hold.until) : "";
    const std::string summary = hold.mode == HoldMode::kPaused ? " pauses pool " + pool + until
                                : hold.mode == HoldMode::kOnlyOut
                                    ? " lets pool " + pool + " only grow" + until
                                    : " lets pool " + pool + " go on";
    record->memory.hold = hold;
    draft.raise_revision(pool);
    draft.tell({.id = 0,
                .at = now,
                .kind = hold.mode == HoldMode::kNone ? "pool.resumed" : "pool.held",
                .pool = pool,
                .subject = pool,
                .correlation = activity::new_correlation(),
                .summary = hold.who + summary,
                .details = {{"mode", to_string(hold.mode)}, {"source", hold.who}}});
    return {};
  }));
  refresh(now);
  wake();
  return {};
}

Result<void> LiveController::release_node(const std::string& node, const std::string& who) {
  const WallTime now = parts_.clock.wall();
  GS_CHECK(book_->change([&](Draft& draft) -> Result<void> {
    NodeRecord* record = draft.node(node);
    if (record == nullptr) return fail(Errc::kNotFound, "no node \"" + node + "\"");
    if (record->ending ||
        (record->node.state == pool::NodeState::kDraining && record->cause != DrainCause::kScaleIn)) {
      return {};  // already on its way
    }
    const std::string pool = record->node.pool.value();
    const bool worked = record->node.ready_at.has_value() || record->adopted;
    record->node.state = pool::NodeState::kDraining;
    record->node.state_since = now;
    record->cause = DrainCause::kRelease;
    // What never took work has nothing to finish.
    record->ending = !worked;
    record->undrain_due = false;
    record->episode = activity::new_correlation();
    record->node.reason = who + " releases it";
    if (PoolRecord* owner = draft.pool(pool)) owner->correlation = record->episode;
    draft.raise_revision(pool);
    draft.tell({.id = 0,
                .at = now,
                .kind = worked ? "node.draining" : "node.cancelled",
                .pool = pool,
                .subject = node,
                .correlation = record->episode,
                .summary = node + ": " + record->node.reason,
                .details = {{"source", who}, {"cause", to_string(record->cause)}}});
    return {};
  }));
  refresh(now);
  wake();
  return {};
}

Result<void> LiveController::hold_node(const std::string& node, const std::string& who) {
  const WallTime now = parts_.clock.wall();
  GS_CHECK(book_->change([&](Draft& draft) -> Result<void> {
    NodeRecord* record = draft.node(node);
    if (record == nullptr) return fail(Errc::kNotFound, "no node \"" + node + "\"");
    if (record->ending || record->node.state == pool::NodeState::kLaunching ||
        record->node.state == pool::NodeState::kBooting) {
      return fail(Errc::kConflict, "node " + node + " is " +
                                       (record->ending ? "ending" : to_string(record->node.state).data()) +
                                       "; only a node that serves can be drained");
    }
    if (record->cause == DrainCause::kHeld) return {};
    record->node.state = pool::NodeState::kDraining;
    record->node.state_since = now;
    record->cause = DrainCause::kHeld;
    record->undrain_due = false;
    tell_node(draft, *record, "node.held", who + " drains it", who, now);
    return {};
  }));
  refresh(now);
  wake();
  return {};
}

Result<void> LiveController::undrain_node(const std::string& node, const std::string& who) {
  const WallTime now = parts_.clock.wall();
  GS_CHECK(book_->change([&](Draft& draft) -> Result<void> {
    NodeRecord* record = draft.node(node);
    if (record == nullptr) return fail(Errc::kNotFound, "no node \"" + node + "\"");
    if (record->node.state != pool::NodeState::kDraining || record->ending) {
      return fail(Errc::kConflict, "node " + node + " is " +
                                       (record->ending ? "ending" : to_string(record->node.state).data()) +
                                       "; only a draining node can be taken back");
    }
    record->node.state = state_taken_back(*record);
    record->node.state_since = now;
    record->cause = DrainCause::kNone;
    record->undrain_due = true;
    tell_node(draft, *record, "node.undrained", who + " takes it back", who, now);
    return {};
  }));
  refresh(now);
  wake();
  return {};
}

Result<void> LiveController::protect_node(const std::string& node, bool on, const std::string& who) {
  const WallTime now = parts_.clock.wall();
  GS_CHECK(book_->change([&](Draft& draft) -> Result<void> {
    NodeRecord* record = draft.node(node);
    if (record == nullptr) return fail(Errc::kNotFound, "no node \"" + node + "\"");
    if (record->node.protected_from_scale_in == on) return {};
    record->node.protected_from_scale_in = on;
    draft.raise_revision(record->node.pool.value());
    draft.tell({.id = 0,
                .at = now,
                .kind = on ? "node.protected" : "node.unprotected",
                .pool = record->node.pool.value(),
                .subject = node,
                .correlation = activity::new_correlation(),
                .summary = who + (on ? " protects " : " no longer protects ") + node + " from scale-in",
                .details = {{"source", who}}});
    return {};
  }));
  refresh(now);
  wake();
  return {};
}

}  // namespace gpuscale::scaling
