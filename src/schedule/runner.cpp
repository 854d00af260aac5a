// SPDX-License-Identifier: Apache-2.0
#include "schedule/runner.h"

#include <algorithm>
#include <utility>

#include "base/rfc3339.h"

namespace gpuscale::schedule {
namespace {

constexpr db::Migration kMigrations[] = {
    {1, "CREATE TABLE schedule_done (name TEXT PRIMARY KEY, run_ns INTEGER NOT NULL) STRICT;"}};
constexpr std::chrono::seconds kTick{1};

using Work = std::function<Result<void>(db::Transaction&)>;
using Done = std::map<std::string, WallTime>;

Result<Done> load_done(db::Database& database) {
  return database.read<Done>([](db::Transaction& transaction) -> Result<Done> {
    GS_TRY(db::Statement select, transaction.prepare("SELECT name, run_ns FROM schedule_done"));
    Done done;
    while (true) {
      GS_TRY(const bool row, select.step());
      if (!row) return done;
      done.emplace(select.text(0), base::from_unix_nanos(select.integer(1)));
    }
  });
}

}  // namespace

Result<std::unique_ptr<Runner>> Runner::open(db::Database& database, activity::Ledger& ledger,
                                             const Clock& clock, log::Log log, Ports ports) {
  GS_CHECK(database.migrate("schedule", kMigrations));
  auto runner =
      std::unique_ptr<Runner>(new Runner(database, ledger, clock, std::move(log), std::move(ports)));
  GS_TRY(runner->done_, load_done(database));
  return runner;
}

Runner::~Runner() {
  stop();
}

bool Runner::is_new_while_running(const ScheduleSpec& spec) const {
  if (!configured_) return false;
  const auto before = std::find_if(schedules_.begin(), schedules_.end(),
                                   [&](const Schedule& each) { return each.spec().name == spec.name; });
  if (before == schedules_.end()) return true;
  const ScheduleSpec& was = before->spec();
  return was.cron != spec.cron || was.at != spec.at || was.timezone != spec.timezone ||
         was.trigger != spec.trigger || (spec.enabled && !was.enabled);
}

Result<void> Runner::configure(const std::vector<ScheduleSpec>& specs, std::vector<pool::PoolSpec> pools) {
  std::vector<Schedule> schedules;
  for (const ScheduleSpec& spec : specs) {
    GS_TRY(Schedule schedule, Schedule::make(spec));
    schedules.push_back(std::move(schedule));
  }
  const WallTime now = clock_.wall();
  const std::scoped_lock tick_lock(tick_mutex_);
  for (const Schedule& schedule : schedules) {
    // What ran before anybody knew of the schedule, or while it was another one or off, was not missed.
    const ScheduleSpec& spec = schedule.spec();
    if (spec.trigger.empty() || (done_.contains(spec.name) && !is_new_while_running(spec))) continue;
    GS_CHECK(note_done(spec.name, now));
  }
  configured_ = true;
  pools_ = std::move(pools);
  {
    const std::scoped_lock lock(mutex_);
    schedules_ = std::move(schedules);
    mutes_ = mutes_at(schedules_, now);
  }
  return set_bounds(now, true);
}

Result<void> Runner::set_bounds(WallTime now, bool anyway) {
  std::map<std::string, Bounds> next;
  for (const pool::PoolSpec& pool : pools_) next.emplace(pool.name, bounds_at(pool, schedules_, now));
  if (next == bounds_ && !anyway) return {};
  GS_CHECK(ports_.set_bounds(next));
  for (const auto& [pool, bounds] : next) {
    const auto before = bounds_.find(pool);
    const bool first = before == bounds_.end();
    if (first ? bounds.by.empty() : before->second == bounds) continue;
    const std::string by = bounds.by.empty() ? "the configuration, its schedules have ended" : bounds.by;
    const auto written =
        ledger_.append({.at = now,
                        .kind = "pool.bounds",
                        .pool = pool,
                        .subject = pool,
                        .correlation = activity::new_correlation(),
                        .summary = "pool " + pool + " is " + std::to_string(bounds.min) + " to " +
                                   std::to_string(bounds.max) + " by " + by,
                        .details = {{"min", bounds.min}, {"max", bounds.max}, {"by", bounds.by}}});
    if (!written) log_.error("schedule.not_written", {{"pool", pool}, {"error", written.error()}});
    log_.info("pool.bounds", {{"pool", pool}, {"min", bounds.min}, {"max", bounds.max}, {"by", by}});
  }
  bounds_ = std::move(next);
  return {};
}

Result<void> Runner::note_done(const std::string& schedule, WallTime run) {
  GS_CHECK(database_.transact(Work([&](db::Transaction& transaction) -> Result<void> {
    GS_TRY(db::Statement upsert,
           transaction.prepare("INSERT OR REPLACE INTO schedule_done (name, run_ns) VALUES (?, ?)"));
    return upsert.bind(1, schedule).bind(2, base::to_unix_nanos(run)).run();
  })));
  const std::scoped_lock lock(mutex_);
  done_.insert_or_assign(schedule, run);
  return {};
}

void Runner::pull_due(const Schedule& schedule, WallTime now) {
  const ScheduleSpec& spec = schedule.spec();
  const auto done = done_.find(spec.name);
  const auto run = due_pull(schedule, done == done_.end() ? now : done->second, now);
  if (!run) return;
  // The trigger knows the run by its key: a crash before it is noted pulls nothing twice.
  const auto granted =
      ports_.pull({spec.trigger, spec.step, "schedule " + spec.name + " " + base::format_rfc3339(*run),
                   activity::new_correlation(), "schedule " + spec.name});
  if (!granted) {
    log_.warn("schedule.pull_failed", {{"schedule", spec.name}, {"error", granted.error()}});
    return;
  }
  if (!*granted) return;
  if (const auto noted = note_done(spec.name, *run); !noted) {
    log_.error("schedule.not_stored", {{"schedule", spec.name}, {"error", noted.error()}});
  }
}

void Runner::tick(WallTime now) {
  const std::scoped_lock tick_lock(tick_mutex_);
  if (const auto set = set_bounds(now, false); !set) {
    log_.error("schedule.bounds_failed", {{"error", set.error()}});
  }
  for (const Schedule& schedule : schedules_) pull_due(schedule, now);
  auto mutes = mutes_at(schedules_, now);
  const std::scoped_lock lock(mutex_);
  mutes_ = std::move(mutes);
}

std::vector<ScheduleStatus> Runner::status(std::size_t runs) const {
  const WallTime now = clock_.wall();
  const std::scoped_lock lock(mutex_);
  std::vector<ScheduleStatus> out;
  for (const Schedule& schedule : schedules_) {
    ScheduleStatus status{schedule.spec(), schedule.last(now), std::nullopt, {}};
    if (const auto since = schedule.holds_since(now)) status.holds_until = *since + schedule.spec().lasts;
    for (auto next = schedule.spec().enabled ? schedule.next(now) : std::nullopt;
         next && status.next_runs.size() < runs; next = schedule.next(*next)) {
      status.next_runs.push_back(*next);
    }
    out.push_back(std::move(status));
  }
  return out;
}

std::optional<std::string> Runner::muted(const std::string& rule) const {
  const std::scoped_lock lock(mutex_);
  const auto found = mutes_.find(rule);
  return found == mutes_.end() ? std::nullopt : std::optional("schedule " + found->second);
}

void Runner::start() {
  const std::scoped_lock lock(thread_mutex_);
  if (thread_.joinable()) return;
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void Runner::stop() {
  std::thread thread;
  {
    const std::scoped_lock lock(thread_mutex_);
    stopping_ = true;
    thread.swap(thread_);
  }
  wake_.notify_all();
  if (thread.joinable()) thread.join();
}

void Runner::run() {
  std::unique_lock lock(thread_mutex_);
  while (!wake_.wait_for(lock, kTick, [this] { return stopping_; })) {
    lock.unlock();
    tick(clock_.wall());
    lock.lock();
  }
}

}  // namespace gpuscale::schedule
