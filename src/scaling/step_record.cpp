// SPDX-License-Identifier: Apache-2.0
#include "scaling/step_record.h"

#include <utility>

#include "activity/ledger.h"

namespace gpuscale::scaling {
namespace {

using pool::NodeState;

void enter(NodeRecord& record, NodeState state, WallTime now) {
  if (record.node.state != state) record.node.state_since = now;
  record.node.state = state;
}

/// Steps that begin a chain of repairs get a correlation of their own, which what replaces the node then
/// shares.
bool begins_repair(const Action& action) {
  return action.kind == ActionKind::kMarkLost || action.kind == ActionKind::kAdopt ||
         action.kind == ActionKind::kAdoptOrphan ||
         (action.kind == ActionKind::kEnd && action.cause == DrainCause::kBootTimeout);
}

/// The node that the step is about: the one recorded, or the one it brings into the book.
Result<NodeRecord*> subject_of(Draft& draft, const std::string& pool, const Action& action, WallTime now) {
  const bool adopted = action.kind == ActionKind::kAdopt || action.kind == ActionKind::kAdoptOrphan;
  if (action.kind != ActionKind::kLaunch && !adopted) {
    NodeRecord* record = draft.node(action.node);
    if (record == nullptr) return fail(Errc::kConflict, "node " + action.node + " is no longer there");
    return record;
  }
  NodeRecord record{pool::Node{.id = pool::NodeId(action.node), .pool = pool::PoolName(pool)}};
  record.node.created = record.node.state_since = now;
  record.node.endpoint = action.endpoint;
  record.seen = record.adopted = adopted;
  if (action.kind == ActionKind::kAdopt) record.node.state = NodeState::kBooting;
  if (action.kind == ActionKind::kAdoptOrphan) {
    record.node.state = NodeState::kDraining;
    record.cause = DrainCause::kOrphan;
  }
  // It may have been told to drain by whoever lost it.
  record.undrain_due = action.kind == ActionKind::kAdopt;
  return &draft.add_node(std::move(record));
}

void apply(NodeRecord& record, const Action& action, WallTime now) {
  switch (action.kind) {
    case ActionKind::kSetEndpoint:
      record.node.endpoint = action.endpoint;
      break;
    case ActionKind::kMarkBooting:
      enter(record, NodeState::kBooting, now);
      record.seen = true;
      break;
    case ActionKind::kMarkReady:
      enter(record, NodeState::kReady, now);
      record.node.ready_at = now;
      break;
    case ActionKind::kMarkSilent:
      record.silent = true;
      break;
    case ActionKind::kMarkHeard:
      record.silent = false;
      break;
    case ActionKind::kMarkLost:
    case ActionKind::kMarkGone:
      enter(record, NodeState::kGone, now);
      break;
    case ActionKind::kBeginDrain:
      enter(record, NodeState::kDraining, now);
      record.cause = action.cause;
      record.undrain_due = false;
      break;
    case ActionKind::kUndrain:
      enter(record, state_taken_back(record), now);
      record.cause = DrainCause::kNone;
      record.undrain_due = true;
      break;
    case ActionKind::kEnd:
      enter(record, NodeState::kDraining, now);
      record.cause = action.cause;
      record.ending = true;
      record.undrain_due = false;
      break;
    default:
      break;
  }
}

/// Load that came back asks for the pool's former size; what has just been taken back must not be let go
/// again at once, so the cooldown of scale-in begins anew.
void raise_desired(Draft& draft, PoolRecord& owner, const Action& action, WallTime now) {
  draft.tell({.id = 0,
              .at = now,
              .kind = "pool.desired",
              .pool = owner.name,
              .subject = owner.name,
              .correlation = owner.correlation,
              .summary = "pool " + owner.name + " from " + std::to_string(owner.desired) + " to " +
                         std::to_string(*action.desired) + ": " + action.reason,
              .details = {{"from", owner.desired}, {"to", *action.desired}, {"source", "rescue"}}});
  owner.memory.add_change({now, owner.desired, *action.desired, action.work, false});
  owner.desired = *action.desired;
  owner.last_in = now;
}

}  // namespace

bool is_repeat(ActionKind kind) {
  return kind == ActionKind::kAskLaunch || kind == ActionKind::kAskDrain || kind == ActionKind::kAskUndrain ||
         kind == ActionKind::kAskTerminate;
}

bool is_choice(ActionKind kind) {
  switch (kind) {
    case ActionKind::kSetEndpoint:
    case ActionKind::kMarkBooting:
    case ActionKind::kMarkReady:
    case ActionKind::kMarkHeard:
    case ActionKind::kMarkGone:
      return false;
    default:
      return !is_repeat(kind);
  }
}

std::string_view step_kind(const Action& action) {
  switch (action.kind) {
    case ActionKind::kAdopt:
    case ActionKind::kAdoptOrphan:
      return "node.adopted";
    case ActionKind::kSetEndpoint:
      return "node.endpoint";
    case ActionKind::kMarkBooting:
      return "node.booting";
    case ActionKind::kMarkReady:
      return "node.ready";
    case ActionKind::kMarkSilent:
      return "node.silent";
    case ActionKind::kMarkHeard:
      return "node.heard";
    case ActionKind::kMarkLost:
      return "node.lost";
    case ActionKind::kMarkGone:
      return "node.gone";
    case ActionKind::kLaunch:
      return "node.launching";
    case ActionKind::kBeginDrain:
      return "node.draining";
    case ActionKind::kUndrain:
      return "node.undrained";
    case ActionKind::kEnd:
      break;
    default:
      return to_string(action.kind);
  }
  if (action.details.value("timed_out", false)) return "node.drain_timeout";
  switch (action.cause) {
    case DrainCause::kCancel:
      return "node.cancelled";
    case DrainCause::kBootTimeout:
      return "node.boot_timeout";
    case DrainCause::kShutdown:
      return "node.ending";
    default:
      return "node.drained";
  }
}

Result<StepEffect> record_step(Draft& draft, const std::string& pool, const Action& action, WallTime now) {
  PoolRecord* owner = draft.pool(pool);
  if (owner == nullptr) return fail(Errc::kConflict, "pool " + pool + " is no longer there");
  GS_TRY(NodeRecord * record, subject_of(draft, pool, action, now));
  const std::string was(to_string(record->node.state));

  if (begins_repair(action)) {
    owner->correlation = activity::new_correlation();
    record->episode = owner->correlation;
  } else if (action.kind == ActionKind::kLaunch || action.kind == ActionKind::kBeginDrain ||
             action.kind == ActionKind::kUndrain || action.cause == DrainCause::kCancel) {
    record->episode = owner->correlation;
  }
  if (action.kind == ActionKind::kUndrain && record->node.ready_at && !record->node.protected_from_scale_in)
    ++owner->saved_boots;
  if (action.desired && *action.desired > owner->desired) raise_desired(draft, *owner, action, now);
  if (record->node.correlation.empty()) record->node.correlation = record->episode;
  apply(*record, action, now);
  if (action.kind == ActionKind::kSetEndpoint) return StepEffect{};

  // A node that goes keeps the reason for which it was let go: "has ended" alone would explain nothing.
  if (action.kind == ActionKind::kMarkGone) {
    record->node.reason += "; " + action.reason;
  } else {
    record->node.reason = action.reason;
  }
  nlohmann::json details = action.details;
  if (action.ranking != nullptr) details["ranking"] = *action.ranking;
  details["from_state"] = was;
  details["state"] = to_string(record->node.state);
  if (record->cause != DrainCause::kNone) details["cause"] = to_string(record->cause);
  draft.tell({.id = 0,
              .at = now,
              .kind = std::string(step_kind(action)),
              .pool = pool,
              .subject = action.node,
              .correlation = record->episode,
              .summary = action.node + ": " + record->node.reason,
              .details = std::move(details)});
  const bool failed_boot = !record->node.ready_at &&
                           (action.kind == ActionKind::kMarkLost ||
                            (action.kind == ActionKind::kEnd && action.cause == DrainCause::kBootTimeout));
  return StepEffect{failed_boot};
}

}  // namespace gpuscale::scaling
