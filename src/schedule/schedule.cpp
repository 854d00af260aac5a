// SPDX-License-Identifier: Apache-2.0
#include "schedule/schedule.h"

#include <algorithm>

#include "base/duration.h"

namespace gpuscale::schedule {
namespace {

constexpr Nanos kLongestWindow = std::chrono::hours{24 * 31};

void apply(const Schedule& schedule, Bounds& bounds) {
  const ScheduleSpec& spec = schedule.spec();
  if (spec.min) bounds.min = *spec.min;
  if (spec.max) bounds.max = *spec.max;
  if (spec.floor) bounds.min = std::max(bounds.min, *spec.floor);
  bounds.by += (bounds.by.empty() ? "" : ", ") + spec.name;
}

bool sets_bounds_of(const Schedule& schedule, const std::string& pool) {
  const ScheduleSpec& spec = schedule.spec();
  return spec.enabled && spec.pool == pool && (spec.min || spec.max || spec.floor);
}

}  // namespace

std::vector<std::string> faults_of(const ScheduleSpec& spec) {
  std::vector<std::string> faults;
  const auto zone = Zone::named(spec.timezone);
  if (!zone) faults.push_back("timezone: " + zone.error().message());
  if (spec.cron.empty() == spec.at.empty()) faults.emplace_back("cron: write either cron or at");
  if (!spec.cron.empty()) {
    if (const auto cron = Cron::parse(spec.cron); !cron) faults.push_back(cron.error().message());
  }
  if (!spec.at.empty() && zone) {
    if (const auto at = parse_local(spec.at, *zone); !at) faults.push_back("at: " + at.error().message());
  }
  if (spec.lasts < Nanos{0} || spec.lasts > kLongestWindow)
    faults.emplace_back("for: must be from 0s to 31d");
  const bool sets = spec.min || spec.max || spec.floor;
  if (!sets && spec.trigger.empty() && spec.mute.empty()) {
    faults.emplace_back("set: it does nothing; write set, trigger or mute");
  }
  if (sets && spec.pool.empty()) faults.emplace_back("pool: is missing; say whose bounds it sets");
  if (spec.min && spec.max && *spec.min > *spec.max) faults.emplace_back("set: min is greater than max");
  if (!spec.mute.empty() && spec.lasts == Nanos{0})
    faults.emplace_back("for: is missing; say how long it mutes");
  if (!sets && !spec.pool.empty()) faults.emplace_back("pool: is not used; write set, or leave it out");
  if (spec.step && spec.trigger.empty())
    faults.emplace_back("step: is not used; write trigger, or leave it out");
  return faults;
}

Result<Schedule> Schedule::make(ScheduleSpec spec) {
  const auto faults = faults_of(spec);
  if (!faults.empty())
    return fail(Errc::kInvalidArgument, "schedule \"" + spec.name + "\": " + faults.front());
  Schedule out;
  GS_TRY(out.zone_, Zone::named(spec.timezone));
  if (spec.cron.empty()) {
    GS_TRY(out.once_, parse_local(spec.at, *out.zone_));
  } else {
    GS_TRY(out.cron_, Cron::parse(spec.cron));
  }
  out.spec_ = std::move(spec);
  return out;
}

std::optional<WallTime> Schedule::next(WallTime after) const {
  if (cron_) return next_run(*cron_, *zone_, after);
  return *once_ > after ? once_ : std::nullopt;
}

std::optional<WallTime> Schedule::last(WallTime until) const {
  if (cron_) return last_run(*cron_, *zone_, until);
  return *once_ <= until ? once_ : std::nullopt;
}

std::optional<WallTime> Schedule::holds_since(WallTime now) const {
  if (!spec_.enabled || spec_.lasts <= Nanos{0}) return std::nullopt;
  const auto run = last(now);
  return run && now - *run < spec_.lasts ? run : std::nullopt;
}

Bounds bounds_at(const pool::PoolSpec& pool, const std::vector<Schedule>& schedules, WallTime now) {
  Bounds bounds{pool.min, pool.max, ""};
  const Schedule* lasting = nullptr;
  std::optional<WallTime> lasting_since;
  for (const Schedule& schedule : schedules) {
    if (!sets_bounds_of(schedule, pool.name) || schedule.spec().lasts > Nanos{0}) continue;
    const auto run = schedule.last(now);
    if (!run || (lasting_since && *run < *lasting_since)) continue;
    lasting = &schedule;
    lasting_since = run;
  }
  if (lasting != nullptr) apply(*lasting, bounds);
  for (const Schedule& schedule : schedules) {
    if (sets_bounds_of(schedule, pool.name) && schedule.holds_since(now)) apply(schedule, bounds);
  }
  bounds.min = std::min(bounds.min, bounds.max);
  return bounds;
}

std::map<std::string, std::string> mutes_at(const std::vector<Schedule>& schedules, WallTime now) {
  std::map<std::string, std::string> out;
  for (const Schedule& schedule : schedules) {
    if (schedule.spec().mute.empty() || !schedule.holds_since(now)) continue;
    for (const std::string& rule : schedule.spec().mute) out.emplace(rule, schedule.spec().name);
  }
  return out;
}

std::optional<WallTime> due_pull(const Schedule& schedule, WallTime done, WallTime now) {
  const ScheduleSpec& spec = schedule.spec();
  if (!spec.enabled || spec.trigger.empty()) return std::nullopt;
  const auto run = schedule.last(now);
  if (!run || *run <= done) return std::nullopt;
  const Nanos grace = std::max(spec.lasts, kDefaultGrace);
  return now - *run < grace ? run : std::nullopt;
}

}  // namespace gpuscale::schedule
