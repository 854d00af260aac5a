// SPDX-License-Identifier: Apache-2.0
#include "scaling/controller.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/counted.h"
#include "base/digest.h"
#include "scaling/live_controller.h"
#include "scaling/victim.h"

namespace gpuscale::scaling {
namespace {

Result<void> check_setup(const std::vector<pool::PoolSpec>& pools, const std::vector<TriggerSpec>& triggers) {
  std::set<std::string> names;
  for (const pool::PoolSpec& pool : pools) {
    if (pool.name.empty()) return fail(Errc::kInvalidArgument, "a pool has no name");
    if (!names.insert(pool.name).second)
      return fail(Errc::kInvalidArgument, "pool " + pool.name + " is named twice");
    if (pool.min < 0 || pool.max < pool.min) {
      return fail(Errc::kInvalidArgument, "pool " + pool.name + ": min is " + std::to_string(pool.min) +
                                              ", max is " + std::to_string(pool.max) +
                                              "; 0 <= min <= max is needed");
    }
  }
  std::set<std::string> trigger_names;
  for (const TriggerSpec& trigger : triggers) {
    if (!trigger_names.insert(trigger.name).second) {
      return fail(Errc::kInvalidArgument, "trigger " + trigger.name + " is named twice");
    }
    if (scales(trigger.type) == trigger.action.has_value()) {
      return fail(Errc::kInvalidArgument,
                  "trigger " + trigger.name + " has an action where it scales, or none");
    }
    if (scales(trigger.type) && !names.contains(trigger.pool)) {
      return fail(Errc::kInvalidArgument,
                  "trigger " + trigger.name + " names the unknown pool \"" + trigger.pool + "\"");
    }
    if (trigger.step < 1 || trigger.step > kMaxStep) {
      return fail(Errc::kInvalidArgument, "trigger " + trigger.name + ": step is " +
                                              std::to_string(trigger.step) + "; it must be 1 to " +
                                              std::to_string(kMaxStep));
    }
  }
  return {};
}

/// The ledger is as old as the last pass; what a command has changed since shows at once.
void stand_as_now(Victim& victim, const pool::Node& node) {
  if (node.state == pool::NodeState::kDraining) {
    victim.standing = Standing::kLeaving;
  } else if (node.state != pool::NodeState::kReady) {
    victim.standing = Standing::kComing;
  } else if (node.protected_from_scale_in) {
    victim.standing = Standing::kProtected;
  }
  if (victim.standing > Standing::kSick) victim.rank = 0;
}

}  // namespace

Result<std::unique_ptr<Controller>> Controller::open(db::Database& database, activity::Ledger& ledger,
                                                     Telemetry& telemetry, const Clock& clock, log::Log log,
                                                     ProviderFactory providers, ControllerOptions options) {
  GS_TRY(auto book, Book::open(database, ledger));
  GS_TRY(TriggerSwitches switches, TriggerSwitches::open(database));
  GS_TRY(auto journal, DecisionJournal::open(database));
  GS_TRY(auto errands, ErrandDesk::open({database, *book, clock, log, options.errands}));
  return std::unique_ptr<Controller>(std::make_unique<LiveController>(
      std::move(book), std::move(errands),
      LiveController::Parts{telemetry, clock, std::move(log), std::move(providers), options, switches,
                            std::move(journal)}));
}

LiveController::LiveController(std::unique_ptr<Book> book, std::unique_ptr<ErrandDesk> errands, Parts parts)
    : book_(std::move(book)), errands_(std::move(errands)), parts_(std::move(parts)) {}

LiveController::~LiveController() {
  stop();
}

Result<std::vector<std::pair<std::string, Secret>>> LiveController::configure(
    std::vector<pool::PoolSpec> pools, std::vector<TriggerSpec> triggers) {
  GS_CHECK(check_setup(pools, triggers));
  const WallTime now = parts_.clock.wall();
  std::vector<std::pair<std::string, Secret>> made;
  {
    const std::scoped_lock lock(configure_mutex_);
    const Workers before = workers();
    Workers after;
    for (const pool::PoolSpec& pool : pools) {
      const auto present = before.find(pool.name);
      if (present != before.end() && present->second->has_provider(pool.provider)) continue;
      GS_TRY(auto provider, parts_.providers(pool));
      after.emplace(pool.name,
                    std::make_shared<PoolWorker>(std::make_unique<PoolShell>(
                        pool, std::move(provider),
                        PoolShell::Ports{*book_, *parts_.journal, parts_.telemetry, parts_.clock, parts_.log,
                                         parts_.options.telemetry_window, parts_.options.id_suffix})));
    }
    auto next = std::make_shared<Setup>();
    GS_TRY(const std::set<std::string> off, parts_.switches.off());
    GS_CHECK(keep_pools(pools, now));
    GS_CHECK(forget_deleted(triggers));
    GS_TRY(made, keep_secrets(triggers, *next));
    for (TriggerSpec& trigger : triggers) {
      trigger.secret_is_declared = !trigger.secret.empty() && !trigger.secret_given_once;
      trigger.declared_off = !trigger.enabled;
      trigger.enabled = trigger.enabled && !off.contains(trigger.name);
      trigger.secret = Secret();
    }
    GS_CHECK(errands_->configure(triggers));
    // Nothing can fail any more: from here on the new set-up holds.
    for (const pool::PoolSpec& pool : pools) {
      if (after.contains(pool.name)) continue;
      before.at(pool.name)->set_spec(pool);
      after.emplace(pool.name, before.at(pool.name));
    }
    {
      // A retired worker whose provider hangs may come back late: by then the pool's revision has grown, and
      // what it planned is dropped.
      const std::scoped_lock workers_lock(workers_mutex_);
      for (const auto& [name, worker] : before) {
        const auto kept = after.find(name);
        if (kept != after.end() && kept->second == worker) continue;
        worker->retire();
        retired_.push_back(worker);
      }
      workers_ = std::move(after);
    }
    next->pools = std::move(pools);
    next->triggers = std::move(triggers);
    const std::scoped_lock setup_lock(setup_mutex_);
    setup_ = std::move(next);
  }
  start_workers();
  refresh(now);
  wake();
  errands_->wake();
  return made;
}

Result<void> LiveController::keep_pools(const std::vector<pool::PoolSpec>& pools, WallTime now) {
  for (const std::string& name : book_->pools()) {
    const bool configured = std::any_of(pools.begin(), pools.end(),
                                        [&](const pool::PoolSpec& pool) { return pool.name == name; });
    if (configured) continue;
    if (const auto page = book_->page(name); page && !page->nodes.empty()) {
      parts_.log.warn("pool.unmanaged", {{"pool", name}, {"nodes", page->nodes.size()}});
    }
  }
  return book_->change([&](Draft& draft) -> Result<void> {
    for (const pool::PoolSpec& spec : pools) {
      PoolRecord* record = draft.pool(spec.name);
      const bool is_new = record == nullptr;
      if (is_new) {
        record = &draft.add_pool({.name = spec.name,
                                  .desired = spec.min,
                                  .last_out = {},
                                  .last_in = {},
                                  .correlation = activity::new_correlation()});
      }
      const int from = record->desired;
      record->desired = std::clamp(record->desired, spec.min, spec.max);
      draft.raise_revision(spec.name);
      if (!is_new && from == record->desired) continue;
      if (!is_new) record->correlation = activity::new_correlation();
      draft.tell({.id = 0,
                  .at = now,
                  .kind = "pool.desired",
                  .pool = spec.name,
                  .subject = spec.name,
                  .correlation = record->correlation,
                  .summary = "pool " + spec.name + (is_new ? " begins with " : " is clipped to ") +
                             std::to_string(record->desired),
                  .details = {{"from", is_new ? 0 : from},
                              {"to", record->desired},
                              {"min", spec.min},
                              {"max", spec.max},
                              {"source", "configuration"}}});
    }
    return {};
  });
}

Result<void> LiveController::forget_deleted(const std::vector<TriggerSpec>& triggers) {
  std::vector<std::string> deleted;
  for (const auto held = setup(); const TriggerSpec& trigger : held->triggers) {
    const bool stays = std::any_of(triggers.begin(), triggers.end(),
                                   [&](const TriggerSpec& each) { return each.name == trigger.name; });
    if (!stays) deleted.push_back(trigger.name);
  }
  if (deleted.empty()) return {};
  return book_->change([&](Draft& draft) -> Result<void> {
    for (const std::string& name : deleted) {
      GS_CHECK(draft.store().remove_secret(draft.transaction(), name));
      GS_CHECK(TriggerSwitches::turn(draft.transaction(), name, true));
    }
    return {};
  });
}

Result<std::vector<std::pair<std::string, Secret>>> LiveController::keep_secrets(
    const std::vector<TriggerSpec>& triggers, Setup& next) {
  GS_TRY(auto stored, book_->secrets());
  std::vector<std::pair<std::string, Secret>> made;
  std::map<std::string, SecretHash> fresh;
  for (const TriggerSpec& trigger : triggers) {
    const auto found = stored.find(trigger.name);
    if (trigger.secret.empty() && found != stored.end()) {
      next.secrets.emplace(trigger.name, found->second);
      continue;
    }
    if (found != stored.end() && !found->second.digest.empty() &&
        found->second.matches(trigger.secret.reveal())) {
      next.secrets.emplace(trigger.name, found->second);
      continue;
    }
    const Secret secret = trigger.secret.empty() ? base::random_secret() : trigger.secret;
    if (trigger.secret.empty()) made.emplace_back(trigger.name, secret);
    fresh.emplace(trigger.name, SecretHash::of(secret));
  }
  if (!fresh.empty()) {
    const auto saved = book_->change([&](Draft& draft) -> Result<void> {
      for (const auto& [name, hash] : fresh)
        GS_CHECK(draft.store().save_secret(draft.transaction(), name, hash));
      return {};
    });
    if (!saved) return saved.error();
  }
  next.secrets.merge(fresh);
  return made;
}

std::shared_ptr<const LiveController::Setup> LiveController::setup() const {
  const std::scoped_lock lock(setup_mutex_);
  return setup_;
}

std::shared_ptr<const LiveController::Snapshot> LiveController::snapshot() const {
  const std::scoped_lock lock(snapshot_mutex_);
  return snapshot_;
}

std::vector<PoolStatus> LiveController::pools() const {
  std::vector<PoolStatus> out;
  for (const auto held = setup(); const pool::PoolSpec& spec : held->pools) {
    const auto now = snapshot();
    if (const auto part = now->find(spec.name); part != now->end()) out.push_back(part->second->pool);
  }
  return out;
}

std::vector<NodeStatus> LiveController::nodes(const std::string& pool) const {
  const auto now = snapshot();
  std::vector<NodeStatus> out;
  for (const auto& [name, part] : *now) {
    if (pool.empty() || name == pool) out.insert(out.end(), part->nodes.begin(), part->nodes.end());
  }
  return out;
}

std::vector<TriggerSpec> LiveController::triggers() const {
  return setup()->triggers;
}

LiveController::Workers LiveController::workers() const {
  const std::scoped_lock lock(workers_mutex_);
  return workers_;
}

void LiveController::pass(const std::string& pool, PoolWorker& worker, WallTime now) {
  PoolSight sight = worker.pass(now, closing_);
  if (worker.retired()) return;
  {
    const std::scoped_lock lock(refresh_mutex_);
    sights_.insert_or_assign(pool, std::move(sight));
  }
  refresh(pool, now);
}

void LiveController::tick(WallTime now) {
  for (const auto& [name, worker] : workers()) pass(name, *worker, now);
  errands_->tick(now);
}

void LiveController::refresh(const std::string& pool, WallTime now) {
  const std::scoped_lock lock(refresh_mutex_);
  auto next = std::make_shared<Snapshot>(*snapshot());
  next->erase(pool);
  for (const auto held = setup(); const pool::PoolSpec& spec : held->pools) {
    if (spec.name != pool) continue;
    if (const auto page = book_->page(pool))
      next->emplace(pool, std::make_shared<PoolPart>(part_of(spec, *page, sights_[pool], now)));
  }
  const std::scoped_lock snapshot_lock(snapshot_mutex_);
  snapshot_ = std::move(next);
}

void LiveController::refresh(WallTime now) {
  std::set<std::string> names;
  // Held by name: a loop over what a temporary pointer points to would not keep it.
  for (const auto held = snapshot(); const auto& [name, part] : *held) names.insert(name);
  for (const auto held = setup(); const pool::PoolSpec& spec : held->pools) names.insert(spec.name);
  for (const std::string& name : names) refresh(name, now);
}

LiveController::PoolPart LiveController::part_of(const pool::PoolSpec& spec, const PoolPage& page,
                                                 const PoolSight& sight, WallTime now) const {
  PoolPart part;
  PhaseInput phase;
  for (const NodeRecord& record : page.nodes) {
    const std::string& id = record.node.id.value();
    NodeStatus status{.node = record.node,
                      .telemetry = {},
                      .victim_reason = {},
                      .victim = {},
                      .drain = {},
                      .drain_phase = {}};
    if (const auto line = sight.ledger.find(id); line != sight.ledger.end()) {
      status.victim = line->second.victim;
      status.drain = line->second.drain;
      status.drain_phase = line->second.drain_phase;
      status.parked = line->second.parked && record.node.state == pool::NodeState::kDraining;
    }
    if (sight.telemetry) {
      if (const auto said = sight.telemetry->find(id); said != sight.telemetry->end())
        status.telemetry = said->second;
    }
    stand_as_now(status.victim, record.node);
    status.victim_rank = status.victim.rank;
    status.victim_reason = describe(status.victim, record.node);
    if (record.silent) phase.silent.push_back(id);
    const bool failing = status.victim.health >= Health::kFailing;
    if (record.node.state == pool::NodeState::kReady && failing) phase.sick.push_back(id);
    phase.counts.add(record.node.state);
    phase.counts.parked += status.parked ? 1 : 0;
    part.nodes.push_back(std::move(status));
  }
  PoolStatus status;
  status.spec = spec;
  status.desired = page.record.desired;
  status.counts = phase.counts;
  phase.desired = page.record.desired;
  phase.fault = sight.fault;
  phase.scale_in_blocked = sight.scale_in_blocked;
  const FlapMeter flaps = measure_flaps(page.record.memory.changes, now);
  if (flaps.last_hour > 0) {
    phase.flapping = "flapping: " + base::counted(flaps.last_hour, "time") +
                     " in the last hour the pool shrank and grew again under the same load";
  }
  const PhaseVerdict verdict = judge_phase(phase);
  status.phase = verdict.phase;
  status.phase_reason = verdict.reason;
  status.phase_cause = verdict.cause;
  const PoolView view{spec, page.record.desired, status.counts, page.record.last_out, page.record.last_in};
  status.cooldown_out_until = cooldown_out_until(view, now);
  status.cooldown_in_until = cooldown_in_until(view, now);
  status.proof = sight.proof;
  status.saved_boots = page.record.saved_boots;
  const PoolMemory& memory = page.record.memory;
  if (memory.hold.at(now) != HoldMode::kNone) status.hold = memory.hold;
  if (memory.overridden(now)) status.size_override = memory.size_override;
  status.budget = view_budget(spec.limits.budget, memory.usage,
                              status.counts.capacity() * spec.limits.gpus_per_node, now);
  status.flaps = measure_flaps(memory.changes, now);
  part.pool = std::move(status);
  return part;
}

void LiveController::wake() {
  {
    const std::scoped_lock lock(wake_mutex_);
    ++wakes_;
  }
  wake_.notify_all();
}

void LiveController::start() {
  {
    const std::scoped_lock lock(thread_mutex_);
    running_ = true;
    const std::scoped_lock wake_lock(wake_mutex_);
    stopping_ = false;
  }
  start_workers();
  errands_->start();
}

void LiveController::start_workers() {
  const std::scoped_lock lock(thread_mutex_);
  if (!running_) return;
  for (const auto& [name, worker] : workers())
    worker->start([this, name = name, worker = worker.get()] { run(name, *worker); });
}

void LiveController::stop() {
  errands_->stop();
  const std::scoped_lock lock(thread_mutex_);
  running_ = false;
  {
    const std::scoped_lock wake_lock(wake_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  std::vector<std::shared_ptr<PoolWorker>> all;
  {
    const std::scoped_lock workers_lock(workers_mutex_);
    all = std::exchange(retired_, {});
    for (const auto& [name, worker] : workers_) all.push_back(worker);
  }
  for (const auto& worker : all) worker->join();
}

void LiveController::run(const std::string& pool, PoolWorker& worker) {
  std::uint64_t seen = 0;
  while (!worker.retired()) {
    {
      const std::scoped_lock lock(wake_mutex_);
      if (stopping_) return;
      seen = wakes_;
    }
    pass(pool, worker, parts_.clock.wall());
    std::unique_lock lock(wake_mutex_);
    wake_.wait_for(lock, parts_.options.tick, [&] { return wakes_ != seen || stopping_; });
  }
}

Result<void> LiveController::shut_down_nodes(std::chrono::milliseconds patience) {
  // Real time on purpose: the caller waits for real processes to end, whatever clock decides.
  using Steady = std::chrono::steady_clock;
  stop();
  closing_ = true;
  const auto deadline = Steady::now() + patience;
  for (;;) {
    tick(parts_.clock.wall());
    std::string left;
    {
      const std::scoped_lock lock(refresh_mutex_);
      for (const auto& [name, worker] : workers()) {
        if (!sights_[name].empty_handed) left += (left.empty() ? "" : ", ") + name;
      }
    }
    if (left.empty()) return {};
    if (Steady::now() >= deadline) {
      return fail(Errc::kTimeout, "nodes of " + left + " have not ended within " +
                                      std::to_string(patience.count()) +
                                      " ms; they are told to, and a server started here again finds them");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

}  // namespace gpuscale::scaling
