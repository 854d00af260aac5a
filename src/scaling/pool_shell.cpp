// SPDX-License-Identifier: Apache-2.0
#include "scaling/pool_shell.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/duration.h"
#include "base/rfc3339.h"
#include "scaling/budget.h"
#include "scaling/flap_meter.h"
#include "scaling/step_record.h"

namespace gpuscale::scaling {
namespace {

using pool::NodeState;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Back-off of calls to the provider: launches may meet an empty stock for minutes; a node that must be told
// something is asked again soon, since a rescue or an end waits for it.
constexpr Nanos kFirstWait = milliseconds{500};
constexpr Nanos kLongestLaunchWait = seconds{60};
constexpr Nanos kLongestNodeWait = seconds{5};
// A node whose workload cannot be read is asked again after this, so that one that hangs does not slow every
// pass.
constexpr Nanos kUnknownWorkloadWait = seconds{1};
/// Between two writes of the GPU-hours used.
constexpr Nanos kUsageFlush = std::chrono::minutes{1};

Nanos back_off(int calls, Nanos longest) {
  Nanos wait = kFirstWait;
  for (int i = 1; i < calls && wait < longest; ++i) wait *= 2;
  return std::min(wait, longest);
}

bool passed(std::optional<MonoTime> until, MonoTime now) {
  return !until || now >= *until;
}

}  // namespace

PoolShell::PoolShell(pool::PoolSpec spec, std::unique_ptr<pool::NodeProvider> provider, Ports ports)
    : spec_(std::move(spec)),
      provider_(std::move(provider)),
      ports_(std::move(ports)),
      started_(ports_.clock.mono()) {}

void PoolShell::pass(WallTime now, bool closing) {
  const auto page = ports_.book.page(spec_.name);
  if (!page) return;
  ReconcileInput input = observe(*page, now, closing);
  Plan plan = reconcile(input);
  if (input.telemetry) note_work(plan.proof);
  keep_pass(input, plan, now);
  for (Action& action : plan.actions) {
    if (!carry_out(action, page->revision, now)) break;
  }
  sight_.telemetry = std::move(input.telemetry);
  sight_.scale_in_blocked = plan.scale_in_blocked;
  sight_.proof = plan.proof;
  sight_.ledger.clear();
  for (LedgerLine& line : plan.ledger) sight_.ledger.emplace(line.node, std::move(line));
  // Told when it begins and ends, not with each change of its numbers.
  if (fleet_fault_.empty() != plan.removals_stopped.empty())
    set_fault(fleet_fault_, plan.removals_stopped, "fleet.doubtful");
  sight_.empty_handed = input.instances && input.instances->empty() && page->nodes.empty();
  sight_.fault.clear();
  for (const std::string* fault :
       {&book_fault_, &list_fault_, &launch_fault_, &telemetry_fault_, &plan.removals_stopped}) {
    if (!fault->empty()) sight_.fault = *fault;
  }
  if (sight_.fault.empty()) sight_.fault = plan.launch_blocked;
  if (boot_failures_ > 0 && sight_.fault.empty()) {
    sight_.fault = std::to_string(boot_failures_) + " nodes in a row did not become ready";
  }
  tell_when_steady(*page, now);
  count_gpu_hours(*page, now);
}

void PoolShell::keep_pass(const ReconcileInput& input, const Plan& plan, WallTime now) {
  std::string blocked;
  for (const std::string* why : {&plan.removals_stopped, &plan.scale_in_blocked, &plan.launch_blocked})
    blocked += why->empty() ? '0' : '1';
  const bool decides = std::any_of(plan.actions.begin(), plan.actions.end(),
                                   [](const Action& action) { return is_choice(action.kind); });
  if (!decides && blocked == std::exchange(told_blocked_, blocked)) return;
  told_blocked_ = blocked;
  const auto kept = ports_.journal.add_pass(pass_base_, spec_.name, now, encode(input), text_of(plan));
  set_fault(journal_fault_, kept ? "" : "a pass is not kept for replay: " + kept.error().message(),
            "journal.failed");
}

int PoolShell::parked() const {
  return static_cast<int>(std::count_if(sight_.ledger.begin(), sight_.ledger.end(),
                                        [](const auto& line) { return line.second.parked; }));
}

void PoolShell::count_gpu_hours(const PoolPage& page, WallTime now) {
  const PoolMemory& memory = page.record.memory;
  const int gpus = static_cast<int>(page.nodes.size()) * spec_.limits.gpus_per_node;
  const Usage usage =
      count_usage(memory.usage, gpus, now, spec_.limits.budget.period, parked() * spec_.limits.gpus_per_node);
  const Nanos uncounted = now - memory.usage.counted_until;
  if (uncounted >= kUsageFlush) {
    // What a crash leaves uncounted is counted by the next process, from counted_until on.
    const auto saved = ports_.book.change([&](Draft& draft) -> Result<void> {
      if (PoolRecord* record = draft.pool(spec_.name)) record->memory.usage = usage;
      return {};
    });
    if (!saved) set_fault(book_fault_, saved.error().message(), "state.failed");
  }
  const BudgetView view = view_budget(spec_.limits.budget, usage, gpus, now);
  const bool low = view.exhausted_at.has_value();
  if (low == !budget_fault_.empty()) return;
  set_fault(budget_fault_,
            low ? "at the present rate the budget is used up at " + base::format_second(*view.exhausted_at) +
                      ", before " + base::format_second(view.ends)
                : "",
            "budget.low");
}

ReconcileInput PoolShell::observe(const PoolPage& page, WallTime now, bool closing) {
  ReconcileInput input;
  input.spec = spec_;
  input.desired = page.record.desired;
  input.closing = closing;
  input.now = now;
  input.watching = ports_.clock.mono() - started_;
  input.launch_allowed = passed(next_launch_, ports_.clock.mono());
  const PoolMemory& memory = page.record.memory;
  input.band = measure_flaps(memory.changes, now).band;
  if (const HoldMode mode = memory.hold.at(now); mode != HoldMode::kNone) {
    input.held =
        memory.hold.who + (mode == HoldMode::kPaused ? " has paused the pool" : " lets the pool only grow");
  }

  if (auto instances = provider_->list()) {
    set_fault(list_fault_, "", "provider.failed");
    input.gone = unknown_and_gone(page, *instances);
    input.instances = *std::move(instances);
  } else {
    set_fault(list_fault_, "provider cannot list its instances: " + instances.error().message(),
              "provider.failed");
  }
  // A window shorter than the time-out would show a node as silent that has only been slow.
  const Nanos window = std::max(ports_.telemetry_window, spec_.telemetry_timeout);
  if (auto telemetry = ports_.telemetry.nodes_of(spec_.name, now, window)) {
    set_fault(telemetry_fault_, "", "telemetry.failed");
    input.telemetry = *std::move(telemetry);
    std::set<std::string> silent;
    for (const NodeRecord& record : page.nodes)
      if (record.silent) silent.insert(record.node.id.value());
    report_age_.correct(*input.telemetry, silent, ports_.clock.mono(), now);
  } else {
    set_fault(telemetry_fault_, "telemetry cannot be read: " + telemetry.error().message(),
              "telemetry.failed");
  }
  input.peak_work = work_.peak(ports_.clock.mono(), spec_.scale_in.window);
  for (auto& [gpu_class, work] : work_by_class_)
    input.peak_by_class.emplace(gpu_class, work.peak(ports_.clock.mono(), spec_.scale_in.window));
  std::map<std::string, Watch> still;
  for (const NodeRecord& record : page.nodes) {
    input.nodes.push_back(view_of(record, now));
    auto watch = watches_.extract(record.node.id.value());
    still.insert(std::move(watch));
  }
  watches_ = std::move(still);
  note_failing(input);
  return input;
}

void PoolShell::note_work(const RemovalProof& proof) {
  const MonoTime mono = ports_.clock.mono();
  work_.add(mono, proof.work_now + proof.work_leaving);
  for (auto of = work_by_class_.begin(); of != work_by_class_.end();)
    of = of->second.peak(mono, spec_.scale_in.window) == 0 ? work_by_class_.erase(of) : std::next(of);
  for (const ClassLoad& load : proof.classes) work_by_class_[load.gpu_class].add(mono, load.work_now);
}

/// A node counts as failing from its first report of a failed device to its first report of none; silence
/// changes nothing.
void PoolShell::note_failing(ReconcileInput& input) {
  if (!input.telemetry) return;
  const MonoTime mono = ports_.clock.mono();
  std::map<std::string, MonoTime> still;
  for (NodeView& view : input.nodes) {
    const std::string& id = view.record.node.id.value();
    const auto before = failing_since_.find(id);
    const auto said = input.telemetry->find(id);
    const bool heard = said != input.telemetry->end() && said->second.devices_ok;
    const bool failing = heard ? said->second.devices_failed > 0 || *said->second.devices_ok == 0
                               : before != failing_since_.end();
    if (!failing) continue;
    const MonoTime since = before == failing_since_.end() ? mono : before->second;
    still.emplace(id, since);
    view.failing_for = mono - since;
  }
  failing_since_ = std::move(still);
}

NodeView PoolShell::view_of(const NodeRecord& record, WallTime now) {
  const pool::Node& node = record.node;
  const MonoTime mono = ports_.clock.mono();
  auto [found, first_seen] = watches_.try_emplace(node.id.value());
  Watch& watch = found->second;
  if (first_seen || watch.state != node.state || watch.ending != record.ending) {
    watch = Watch{};
    watch.state = node.state;
    watch.ending = record.ending;
    watch.before = std::max(now - node.state_since, Nanos{0});
    watch.since = mono;
  }
  NodeView view{record};
  view.in_state = watch.before + (mono - watch.since);
  view.call_due = passed(watch.next_call, mono);
  view.workload_unsupported = watch.workload_unsupported;
  if (node.state == NodeState::kDraining && !record.ending && passed(watch.next_look, mono)) {
    look_at_workload(view, watch);
  }
  return view;
}

void PoolShell::look_at_workload(NodeView& view, Watch& watch) {
  auto workload = provider_->workload(view.record.node.id);
  const MonoTime mono = ports_.clock.mono();
  view.workload_unsupported = !workload && workload.error().code() == Errc::kUnsupported;
  watch.workload_unsupported = view.workload_unsupported;
  if (!workload) {
    watch.next_look = mono + kUnknownWorkloadWait;
    watch.idle_observations = 0;
    return;
  }
  view.workload = *workload;
  if (!workload->draining || workload->in_flight != 0 || !workload->held_by.empty()) {
    watch.idle_observations = 0;
    return;
  }
  if (watch.idle_observations++ == 0) watch.idle_since = mono;
  view.idle_observations = watch.idle_observations;
  view.idle_for = mono - watch.idle_since;
}

std::set<std::string> PoolShell::unknown_and_gone(const PoolPage& page,
                                                  const std::vector<pool::Instance>& instances) {
  std::set<std::string> known;
  for (const NodeRecord& record : page.nodes) known.insert(record.node.id.value());
  std::vector<std::string> unknown;
  for (const pool::Instance& instance : instances) {
    if (!known.contains(instance.id.value())) unknown.push_back(instance.id.value());
  }
  if (unknown.empty()) return {};
  auto gone = ports_.book.gone_among(unknown);
  // Unreadable: draining and ending a node that might be ours in good standing would be the greater harm.
  return gone ? *std::move(gone) : std::set<std::string>{};
}

bool PoolShell::carry_out(Action& action, std::uint64_t revision, WallTime now) {
  if (action.kind == ActionKind::kLaunch) {
    auto id = fresh_id();
    if (!id) {
      set_fault(book_fault_, id.error().message(), "state.failed");
      return false;
    }
    action.node = *std::move(id);
  }
  if (!is_repeat(action.kind)) {
    if (auto written = write_down(action, revision, now); !written) {
      // A conflict is a command that came between; anything else is a disk that refuses.
      if (written.error().code() != Errc::kConflict)
        set_fault(book_fault_, written.error().message(), "state.failed");
      return false;
    }
    set_fault(book_fault_, "", "state.failed");
    ports_.log.info(step_kind(action),
                    {{"pool", spec_.name}, {"node", action.node}, {"reason", action.reason}});
  }
  if (action.kind == ActionKind::kMarkReady) {
    boot_failures_ = 0;
    next_launch_.reset();
  }
  call(action);
  return true;
}

Result<void> PoolShell::write_down(const Action& action, std::uint64_t revision, WallTime now) {
  bool failed_boot = false;
  GS_CHECK(ports_.book.change([&](Draft& draft) -> Result<void> {
    if (draft.revision(spec_.name) != revision) {
      return fail(Errc::kConflict, "pool " + spec_.name + " was changed while this step was planned");
    }
    GS_TRY(const StepEffect effect, record_step(draft, spec_.name, action, now));
    failed_boot = effect.failed_boot;
    return {};
  }));
  if (failed_boot) note_boot_failure();
  return {};
}

void PoolShell::call(const Action& action) {
  const pool::NodeId id(action.node);
  switch (action.kind) {
    case ActionKind::kLaunch:
    case ActionKind::kAskLaunch:
      return note_call(action, provider_->launch(id));
    case ActionKind::kBeginDrain:
    case ActionKind::kAskDrain:
      return note_call(action, provider_->drain(id));
    case ActionKind::kUndrain:
    case ActionKind::kAskUndrain: {
      const auto result = provider_->undrain(id);
      note_call(action, result);
      if (!result) return;
      // Lost in a crash, this is asked once more, which does no harm.
      const auto settled = ports_.book.change([&](Draft& draft) -> Result<void> {
        if (NodeRecord* record = draft.node(action.node)) record->undrain_due = false;
        return {};
      });
      if (!settled) set_fault(book_fault_, settled.error().message(), "state.failed");
      return;
    }
    case ActionKind::kEnd:
    case ActionKind::kAskTerminate:
      return note_call(action, provider_->terminate(id));
    default:
      return;
  }
}

void PoolShell::note_call(const Action& action, const Result<void>& result) {
  const bool launch = action.kind == ActionKind::kLaunch || action.kind == ActionKind::kAskLaunch;
  const bool end = action.kind == ActionKind::kEnd || action.kind == ActionKind::kAskTerminate;
  const NodeState state = launch ? NodeState::kLaunching
                          : end  ? NodeState::kDraining
                          : action.kind == ActionKind::kBeginDrain || action.kind == ActionKind::kAskDrain
                              ? NodeState::kDraining
                              : NodeState::kReady;
  const MonoTime mono = ports_.clock.mono();
  auto [found, added] = watches_.try_emplace(action.node);
  Watch& watch = found->second;
  // A repetition happens in the state that the watch already has, whatever the first call was made in.
  if (added || (!is_repeat(action.kind) && (watch.state != state || watch.ending != end))) {
    watch = Watch{};
    watch.state = state;
    watch.ending = end;
    watch.since = mono;
  }
  watch.next_call = mono + back_off(++watch.calls, launch ? kLongestLaunchWait : kLongestNodeWait);
  if (launch) {
    set_fault(launch_fault_, result ? "" : "provider cannot launch: " + result.error().message(),
              "provider.failed");
  } else if (!result) {
    ports_.log.warn("provider.refused", {{"pool", spec_.name},
                                         {"node", action.node},
                                         {"step", to_string(action.kind)},
                                         {"tries", watch.calls},
                                         {"error", result.error()}});
  }
}

void PoolShell::note_boot_failure() {
  next_launch_ = ports_.clock.mono() + back_off(++boot_failures_, kLongestLaunchWait);
}

Result<std::string> PoolShell::fresh_id() const {
  for (;;) {
    const std::string id = spec_.name + "-" + ports_.id_suffix();
    GS_TRY(const bool taken, ports_.book.knows(id));
    if (!taken) return id;
  }
}

void PoolShell::tell_when_steady(const PoolPage& before, WallTime now) {
  const auto page = ports_.book.page(spec_.name);
  if (!page) return;
  pool::PoolCounts counts;
  for (const NodeRecord& record : page->nodes) counts.add(record.node.state);
  const bool steady = counts.ready == page->record.desired && counts.capacity() == counts.ready &&
                      counts.draining == parked();
  if (!steady || before.record.desired != page->record.desired) {
    restless_ = true;
    return;
  }
  // What kept nodes from coming is over once none is missing.
  set_fault(launch_fault_, "", "provider.failed");
  boot_failures_ = 0;
  next_launch_.reset();
  if (!restless_) return;
  const auto told = ports_.book.change([&](Draft& draft) -> Result<void> {
    draft.tell({.id = 0,
                .at = now,
                .kind = "pool.steady",
                .pool = spec_.name,
                .subject = spec_.name,
                .correlation = page->record.correlation,
                .summary = "pool " + spec_.name + " has its " + std::to_string(counts.ready) + " nodes ready",
                .details = {{"desired", page->record.desired}, {"ready", counts.ready}}});
    return {};
  });
  if (told) restless_ = false;
}

void PoolShell::set_fault(std::string& slot, std::string what, std::string_view event) {
  if (slot == what) return;
  const bool mended = what.empty();
  slot = std::move(what);
  if (mended) {
    ports_.log.info("fault.mended", {{"pool", spec_.name}, {"was", event}});
  } else {
    ports_.log.warn(event, {{"pool", spec_.name}, {"error", slot}});
  }
  // A database that cannot be written cannot say so.
  if (&slot == &book_fault_ || &slot == &journal_fault_) return;
  const auto told = ports_.book.change([&](Draft& draft) -> Result<void> {
    const PoolRecord* pool = draft.pool(spec_.name);
    draft.tell({.id = 0,
                .at = ports_.clock.wall(),
                .kind = mended ? "fault.mended" : std::string(event),
                .pool = spec_.name,
                .subject = spec_.name,
                .correlation = pool == nullptr ? "" : pool->correlation,
                .summary = mended ? std::string(event) + " is over" : slot,
                .details = {{"type", spec_.provider.type}}});
    return {};
  });
  if (!told) ports_.log.error("state.failed", {{"pool", spec_.name}, {"error", told.error()}});
}

}  // namespace gpuscale::scaling
