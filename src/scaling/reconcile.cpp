// SPDX-License-Identifier: Apache-2.0
#include "scaling/reconcile.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "base/counted.h"
#include "base/duration.h"
#include "base/rfc3339.h"
#include "scaling/drain.h"
#include "scaling/roster.h"
#include "scaling/survey.h"

namespace gpuscale::scaling {
namespace {

using pool::NodeState;

/// One pass. Changes the nodes with every step it plans, so that later steps see earlier ones as done; its
/// roster puts them back.
class Pass {
 public:
  explicit Pass(ReconcileInput& input) : in_(input), roster_(input), nodes_(roster_.nodes()) {}

  Plan run() {
    if (in_.instances) {
      for (const NodeView& view : nodes_) settle_existence(view);
      adopt_unknown();
    }
    for (const NodeView& view : nodes_) settle_telemetry(view);
    if (in_.closing) {
      end_everything();
    } else if (in_.instances) {
      for (const NodeView& view : nodes_) settle_boot(view);
      restore_protected();
    }
    survey();
    if (in_.instances && !in_.closing) size();
    if (in_.instances) {
      choose_parked();
      for (const NodeView& view : nodes_) settle_drain(view);
      for (const NodeView& view : nodes_) repeat_calls(view);
    }
    plan_.ledger = std::move(survey_.ledger);
    plan_.proof = survey_.proof;
    plan_.removals_stopped = std::move(survey_.removals_stopped);
    return std::move(plan_);
  }

 private:
  Action& add(ActionKind kind, const NodeView& view, std::string reason) {
    plan_.actions.push_back({.kind = kind,
                             .node = view.record.node.id.value(),
                             .reason = std::move(reason),
                             .cause = view.record.cause});
    return plan_.actions.back();
  }

  void move_to(const NodeView& view, NodeState state) { roster_.move_to(view, state); }
  NodeRecord& change(const NodeView& view) { return roster_.change(view).record; }

  void settle_existence(const NodeView& view) {
    const pool::Node& node = view.record.node;
    const pool::Instance* instance = roster_.instance(view);
    if (instance != nullptr) {
      if (node.state == NodeState::kLaunching) {
        add(ActionKind::kMarkBooting, view, "the provider shows its instance (" + instance->detail + ")");
        move_to(view, NodeState::kBooting);
      }
      if (!view.record.seen) change(view).seen = true;
      if (!instance->endpoint.empty() && instance->endpoint != node.endpoint) {
        add(ActionKind::kSetEndpoint, view, "the instance serves at " + instance->endpoint).endpoint =
            instance->endpoint;
        change(view).node.endpoint = instance->endpoint;
      }
      return;
    }
    if (view.record.ending) {
      add(ActionKind::kMarkGone, view,
          view.record.seen ? "its instance has ended" : "no instance of it exists");
      move_to(view, NodeState::kGone);
    } else if (node.state != NodeState::kLaunching) {
      add(ActionKind::kMarkLost, view,
          "its instance ended by itself while it was " + std::string(to_string(node.state)));
      move_to(view, NodeState::kGone);
    }
  }

  void adopt_unknown() {
    for (const pool::Instance* instance : roster_.strangers()) {
      if (instance->state == pool::InstanceState::kStopping) continue;
      const bool let_go = in_.gone.contains(instance->id.value());
      NodeView view{NodeRecord{pool::Node{.id = instance->id, .pool = pool::PoolName(in_.spec.name)}}};
      view.record.node.created = view.record.node.state_since = in_.now;
      view.record.node.endpoint = instance->endpoint;
      view.record.node.state = let_go ? NodeState::kDraining : NodeState::kBooting;
      view.record.cause = let_go ? DrainCause::kOrphan : DrainCause::kNone;
      view.record.seen = view.record.adopted = true;
      // Planned now, carried out by the shell with these very values.
      Action& action =
          add(let_go ? ActionKind::kAdoptOrphan : ActionKind::kAdopt, view,
              let_go ? "its instance is back although the node had been let go; it is drained and ended"
                     : "the provider shows an instance that no record names; it joins the pool");
      action.endpoint = instance->endpoint;
      roster_.admit(std::move(view), *instance);
    }
  }

  void settle_telemetry(const NodeView& view) {
    const pool::Node& node = view.record.node;
    const NodeTelemetry* said = roster_.telemetry(view);
    if (node.state == NodeState::kBooting && said != nullptr && said->last_report &&
        *said->last_report >= node.created && said->devices_ok.value_or(0) >= 1) {
      Action& action = add(ActionKind::kMarkReady, view,
                           "its agent reports " + base::counted(*said->devices_ok, "working device"));
      action.details["devices_ok"] = *said->devices_ok;
      action.details["reported_at"] = base::format_rfc3339(*said->last_report);
      action.details["boot_seconds"] = std::chrono::duration<double>(in_.now - node.created).count();
      move_to(view, NodeState::kReady);
      return;
    }
    if (node.state != NodeState::kReady || !in_.telemetry) return;
    // Until this process has listened for as long itself, it cannot tell silence from its own absence.
    const Nanos unheard = said != nullptr && said->last_report
                              ? std::min(in_.now - *said->last_report, in_.watching)
                              : std::min(view.in_state, in_.watching);
    const bool silent = unheard > in_.spec.telemetry_timeout;
    const bool heard =
        said != nullptr && said->last_report && in_.now - *said->last_report <= in_.spec.telemetry_timeout;
    if (silent && !view.record.silent) {
      add(ActionKind::kMarkSilent, view,
          "no telemetry for over " + base::format_duration(in_.spec.telemetry_timeout) +
              " although its instance lives; it stays and is never a victim by that");
      change(view).silent = true;
    } else if (heard && view.record.silent) {
      add(ActionKind::kMarkHeard, view, "its agent reports again");
      change(view).silent = false;
    }
  }

  void settle_boot(const NodeView& view) {
    // What could not have been heard, by a server that was down or a store that cannot be read, is no
    // silence.
    if (view.record.node.state != NodeState::kBooting || !in_.telemetry) return;
    if (std::min(view.in_state, in_.watching) <= in_.spec.boot_timeout) return;
    let_go(view, DrainCause::kBootTimeout,
           "no working device reported within " + base::format_duration(in_.spec.boot_timeout) +
               " of its start");
  }

  /// Ends a node that has never been ready. One that was found may have been at work before us: it drains.
  void let_go(const NodeView& view, DrainCause cause, std::string reason) {
    if (!view.record.adopted) return end(view, cause, std::move(reason));
    change(view).cause = cause;
    add(ActionKind::kBeginDrain, view, std::move(reason) + "; found at work perhaps, it is drained first");
    roster_.marks(view).asked = true;
    move_to(view, NodeState::kDraining);
  }

  void end(const NodeView& view, DrainCause cause, std::string reason) {
    change(view).cause = cause;
    add(ActionKind::kEnd, view, std::move(reason));
    change(view).ending = true;
    roster_.marks(view).ended = true;
    move_to(view, NodeState::kDraining);
  }

  void end_everything() {
    for (const NodeView& view : nodes_) {
      if (view.record.node.state == NodeState::kGone || view.record.ending) continue;
      end(view, DrainCause::kShutdown, "every node of the pool is to end");
    }
  }

  /// Nodes that drain are not capacity, but they exist and cost: without this bound nodes that never end
  /// would be replaced for ever.
  int most_at_once() const { return 2 * in_.spec.max; }

  void survey() { survey_ = survey_nodes(in_, roster_); }

  void size() {
    const int desired = std::clamp(rescue(in_.desired), in_.spec.min, in_.spec.max);
    // First, so that the nodes it drains are no longer counted as a surplus to be drained again.
    const int aside = replace_sick(desired);
    int have = roster_.capacity() - aside;
    const std::string why =
        "the pool is to have " + std::to_string(desired) + ", has " + std::to_string(have);
    have += undrain(desired - have, why);
    if (have < desired && in_.launch_allowed) {
      const int room =
          std::min({desired - have, most_at_once() - roster_.present(), in_.spec.max - roster_.capacity()});
      for (int i = 0; i < room; ++i)
        plan_.actions.push_back({.kind = ActionKind::kLaunch, .reason = why, .details = base_details()});
      if (room < desired - have && most_at_once() - roster_.present() <= room) {
        plan_.launch_blocked =
            "no launch: " + base::counted(roster_.present(), "node exists", "nodes exist") +
            ", draining ones included, and twice max (" + std::to_string(most_at_once()) +
            ") is the most at once";
      }
    } else if (have > desired) {
      int surplus = have - desired;
      surplus -= cancel(surplus, NodeState::kLaunching, why);
      surplus -= cancel(surplus, NodeState::kBooting, why);
      if (surplus > 0) drain(surplus, why);
    }
  }

  nlohmann::json base_details() const {
    return {{"desired", in_.desired},
            {"min", in_.spec.min},
            {"max", in_.spec.max},
            {"capacity", roster_.capacity()}};
  }

  /// Draining for want of load alone. What is cancelled and yet drains was found, and perhaps at work.
  static bool reversible(const NodeView& view) {
    const DrainCause cause = view.record.cause;
    return view.record.node.state == NodeState::kDraining && !view.record.ending &&
           (cause == DrainCause::kScaleIn || cause == DrainCause::kCancel);
  }

  Action& take_back(const NodeView& view, std::string reason) {
    Action& action = add(ActionKind::kUndrain, view, std::move(reason));
    action.details = base_details();
    NodeRecord& record = change(view);
    record.undrain_due = true;
    record.cause = DrainCause::kNone;
    roster_.marks(view).asked = true;
    move_to(view, state_taken_back(view.record));
    return action;
  }

  void restore_protected() {
    for (const NodeView& view : nodes_) {
      if (reversible(view) && view.record.node.protected_from_scale_in) {
        take_back(view, "it has been protected while it drained");
      }
    }
  }

  /// Takes back up to `wanted` draining nodes: those that have been ready first, of them those that began
  /// last, which have lost the least. One whose devices fail would be no capacity. `from`: the pool is to
  /// have so many, and one more with each that is taken back.
  int undrain(int wanted, const std::string& why, std::optional<int> from = std::nullopt) {
    std::vector<const NodeView*> draining;
    for (const NodeView& view : nodes_) {
      const Health health = survey_.ledger[roster_.index_of(view)].victim.health;
      if (reversible(view) && health < Health::kFailing) draining.push_back(&view);
    }
    std::stable_sort(draining.begin(), draining.end(), [](const NodeView* a, const NodeView* b) {
      const auto place = [](const NodeView* view) {
        return std::pair(!view->record.node.ready_at, view->in_state);
      };
      return place(a) < place(b);
    });
    int taken = 0;
    for (const NodeView* view : draining) {
      if (taken >= wanted) break;
      Action& action = take_back(*view, why + "; the drain is undone instead of launching another");
      ++taken;
      if (!from) continue;
      action.desired = *from + taken;
      if (survey_.proof.unknown == 0) action.work = survey_.proof.work_now;
    }
    return taken;
  }

  int cancel(int wanted, NodeState state, const std::string& why) {
    std::vector<const NodeView*> coming;
    for (const NodeView& view : nodes_) {
      if (view.record.node.state == state && !view.record.node.protected_from_scale_in)
        coming.push_back(&view);
    }
    std::stable_sort(coming.begin(), coming.end(), [](const NodeView* a, const NodeView* b) {
      return a->record.node.created > b->record.node.created;
    });
    int cancelled = 0;
    for (const NodeView* view : coming) {
      if (cancelled >= wanted) break;
      let_go(*view, DrainCause::kCancel, why + "; it was still " + std::string(to_string(state)));
      ++cancelled;
    }
    return cancelled;
  }

  /// The load has come back while nodes drain: takes back as many as bear it again, and lets the pool have
  /// them. Returns the size the pool is to have.
  int rescue(int desired) {
    const RemovalProof& proof = survey_.proof;
    const int held = std::max(proof.nodes, desired);
    const int missing = std::min(proof.needed_now(), in_.spec.max) - held;
    if (missing <= 0) return desired;
    const int taken =
        undrain(missing,
                "the load is back at " + percent_text(proof.work_now * 100) + " of a node, which " +
                    std::to_string(proof.nodes) + " do not bear under " + percent_text(proof.ceiling),
                held);
    return taken == 0 ? desired : held + taken;
  }

  /// Sick nodes, those without a working device first: drained where they are no longer needed or do no work,
  /// else kept beside a replacement until that is ready. Returns how many stay without being capacity.
  int replace_sick(int desired) {
    std::vector<std::pair<int, std::size_t>> sick;
    for (std::size_t i = 0; i < survey_.ledger.size(); ++i) {
      if (survey_.ledger[i].victim.standing == Standing::kSick)
        sick.emplace_back(survey_.ledger[i].victim.rank, i);
    }
    if (sick.empty() || !survey_.removals_stopped.empty()) return 0;
    std::sort(sick.begin(), sick.end());
    int allowed = std::max(1, in_.spec.scale_in.replace_percent * desired / 100);
    allowed -= static_cast<int>(std::count_if(nodes_.begin(), nodes_.end(), [](const NodeView& view) {
      return view.record.node.state == NodeState::kDraining && view.record.cause == DrainCause::kSick;
    }));
    int aside = 0;
    for (const auto& [rank, index] : sick) {
      if (allowed-- <= 0) break;
      const NodeView& view = nodes_[index];
      const Victim& victim = survey_.ledger[index].victim;
      const bool works = victim.devices_unknown < victim.devices;
      const bool replaced = survey_.proof.nodes >= desired;
      const bool room = desired + aside < in_.spec.max;
      if (works && !replaced && room) {
        ++aside;
      } else if (!works || replaced || survey_.proof.spare > 0) {
        begin_drain(view, DrainCause::kSick, describe(victim, view.record.node) + "; it is replaced");
      }
    }
    return aside;
  }

  Action& begin_drain(const NodeView& view, DrainCause cause, std::string reason) {
    change(view).cause = cause;
    Action& action = add(ActionKind::kBeginDrain, view, std::move(reason));
    action.details = base_details();
    roster_.marks(view).asked = true;
    move_to(view, NodeState::kDraining);
    return action;
  }

  void drain(int surplus, const std::string& why) {
    if (!survey_.removals_stopped.empty() || !in_.held.empty()) {
      plan_.scale_in_blocked = in_.held.empty() ? survey_.removals_stopped : in_.held;
      return;
    }
    std::vector<std::pair<int, std::size_t>> ranked;
    for (std::size_t i = 0; i < survey_.ledger.size(); ++i) {
      if (survey_.ledger[i].victim.rank > 0 && nodes_[i].record.node.state == NodeState::kReady)
        ranked.emplace_back(survey_.ledger[i].victim.rank, i);
    }
    std::sort(ranked.begin(), ranked.end());
    int healthy_taken = 0;
    int taken = 0;
    std::shared_ptr<const nlohmann::json> ranking;
    for (const auto& [rank, index] : ranked) {
      if (taken == surplus) break;
      const Victim& victim = survey_.ledger[index].victim;
      if (victim.standing == Standing::kSpare && !victim.spared) continue;
      healthy_taken += victim.standing == Standing::kSpare ? 1 : 0;
      const NodeView& view = nodes_[index];
      Action& action =
          begin_drain(view, DrainCause::kScaleIn, why + "; " + describe(victim, view.record.node));
      if (ranking == nullptr)
        ranking = std::make_shared<const nlohmann::json>(explain_ranking(survey_, nodes_));
      action.ranking = ranking;
      action.details["proof"] = to_json(survey_.proof);
      const auto projected =
          victim.burden ? std::optional(victim.burden->percent) : survey_.proof.projected(healthy_taken);
      action.details["projected_utilization"] = projected ? nlohmann::json(*projected) : nlohmann::json();
      ++taken;
    }
    if (taken < surplus) {
      plan_.scale_in_blocked = why_none_is_spare(survey_, nodes_, surplus - taken, healthy_taken);
    }
  }

  /// Of the drained nodes those that began last stay parked; an ailing one is not worth it.
  void choose_parked() {
    if (in_.spec.warm.nodes <= 0 || in_.closing) return;
    std::vector<const NodeView*> drained;
    for (const NodeView& view : nodes_) {
      if (!reversible(view) || !view.record.node.ready_at || roster_.marks(view).asked ||
          view.in_state > in_.spec.warm.keep) {
        continue;
      }
      if (survey_.ledger[roster_.index_of(view)].victim.health >= Health::kFailing) continue;
      const DrainPhase phase = drain_state(view, roster_.telemetry(view), in_.spec, in_.now).phase;
      if (phase == DrainPhase::kDone || phase == DrainPhase::kWatching) drained.push_back(&view);
    }
    std::stable_sort(drained.begin(), drained.end(),
                     [](const NodeView* a, const NodeView* b) { return a->in_state < b->in_state; });
    const auto kept = std::min(drained.size(), static_cast<std::size_t>(in_.spec.warm.nodes));
    for (std::size_t i = 0; i < kept; ++i) survey_.ledger[roster_.index_of(*drained[i])].parked = true;
  }

  /// Says that nothing is in flight, and waits to be asked again: after a restart a node that had long been
  /// parked must not look like one that never drained.
  bool seems_idle(const NodeView& view) const {
    return in_.spec.warm.nodes > 0 && view.workload && view.workload->draining &&
           view.workload->in_flight == 0 && view.idle_observations < kIdleObservations;
  }

  void settle_drain(const NodeView& view) {
    if (view.record.node.state != NodeState::kDraining || view.record.ending || roster_.marks(view).asked) {
      return;
    }
    if (survey_.ledger[roster_.index_of(view)].parked) {
      note_drain(view, "parked",
                 "parked: idle, returns at once when the pool grows; kept another " +
                     base::format_left(in_.spec.warm.keep - view.in_state));
      return;
    }
    const DrainState state = drain_state(view, roster_.telemetry(view), in_.spec, in_.now);
    note_drain(view, to_string(state.phase), state.text);
    if (state.phase == DrainPhase::kDone) {
      Action& action = add(ActionKind::kEnd, view, state.text);
      action.details = {{"in_flight", 0},
                        {"observations", view.idle_observations},
                        {"drain_seconds", std::chrono::duration<double>(view.in_state).count()}};
    } else if (state.phase != DrainPhase::kHeld && in_.spec.drain_timeout > Nanos{0} &&
               view.in_state > std::max(in_.spec.drain_timeout, in_.spec.scale_in.watch) &&
               !seems_idle(view)) {
      Action& action = add(ActionKind::kEnd, view,
                           "not drained within " + base::format_duration(in_.spec.drain_timeout) + " (" +
                               state.text + "); ended by the pool's drain_timeout");
      action.details["in_flight"] =
          view.workload ? nlohmann::json(view.workload->in_flight) : nlohmann::json();
      action.details["timed_out"] = true;
    } else {
      return;
    }
    change(view).ending = true;
    roster_.marks(view).ended = true;
  }

  void note_drain(const NodeView& view, std::string_view phase, const std::string& text) {
    LedgerLine& line = survey_.ledger[roster_.index_of(view)];
    line.drain_phase = phase;
    line.drain = text;
  }

  /// Calls whose intent stands and whose effect is not yet seen.
  void repeat_calls(const NodeView& view) {
    const NodeRecord& record = view.record;
    const Roster::Marks marks = roster_.marks(view);
    if (record.node.state == NodeState::kGone || !view.call_due || marks.asked || marks.ended) return;
    if (record.ending) {
      add(ActionKind::kAskTerminate, view,
          "its instance is still there after " + base::format_passed(view.in_state));
    } else if (record.node.state == NodeState::kLaunching) {
      add(ActionKind::kAskLaunch, view, "the provider shows no instance of it yet");
    } else if (record.node.state == NodeState::kDraining && !(view.workload && view.workload->draining)) {
      add(ActionKind::kAskDrain, view, "it has not confirmed that it takes no new work");
    } else if (record.undrain_due) {
      add(ActionKind::kAskUndrain, view, "it has not confirmed that it takes work again");
    }
  }

  const ReconcileInput& in_;
  Roster roster_;
  const std::vector<NodeView>& nodes_;  ///< of the roster
  Survey survey_;
  Plan plan_;
};

}  // namespace

std::string_view to_string(ActionKind kind) {
  constexpr std::array<std::string_view, 17> kNames{
      "adopt",      "adopt_orphan", "set_endpoint", "mark_booting", "mark_ready",   "mark_silent",
      "mark_heard", "mark_lost",    "mark_gone",    "launch",       "begin_drain",  "undrain",
      "end",        "ask_launch",   "ask_drain",    "ask_undrain",  "ask_terminate"};
  return kNames[static_cast<std::size_t>(kind)];
}

Plan reconcile(ReconcileInput& input) {
  return Pass(input).run();
}

Plan reconcile(ReconcileInput&& input) {
  return reconcile(input);
}

}  // namespace gpuscale::scaling
