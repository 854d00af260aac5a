// SPDX-License-Identifier: Apache-2.0
#include "schedule/schedule.h"

#include <gmock/gmock.h>

#include "base/rfc3339.h"

namespace gpuscale::schedule {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

WallTime at(const std::string& text) {
  return *base::parse_rfc3339(text);
}

ScheduleSpec named(const std::string& name, const std::string& cron) {
  ScheduleSpec spec;
  spec.name = name;
  spec.cron = cron;
  spec.pool = "gpu";
  return spec;
}

pool::PoolSpec gpu() {
  pool::PoolSpec pool;
  pool.name = "gpu";
  pool.min = 2;
  pool.max = 6;
  return pool;
}

std::vector<Schedule> made(const std::vector<ScheduleSpec>& specs) {
  std::vector<Schedule> out;
  for (const ScheduleSpec& spec : specs) out.push_back(*Schedule::make(spec));
  return out;
}

TEST(Bounds, AScheduleWithoutAnEndHoldsUntilTheNextOne) {
  auto morning = named("morning", "0 8 * * *");
  morning.min = 4;
  auto evening = named("evening", "0 20 * * *");
  evening.min = 1;
  evening.max = 3;
  const auto schedules = made({morning, evening});
  EXPECT_EQ(bounds_at(gpu(), schedules, at("2026-11-26T07:59:59Z")), (Bounds{1, 3, "evening"}));
  EXPECT_EQ(bounds_at(gpu(), schedules, at("2026-11-26T08:00:00Z")), (Bounds{4, 6, "morning"}));
  EXPECT_EQ(bounds_at(gpu(), schedules, at("2026-11-26T20:00:00Z")), (Bounds{1, 3, "evening"}));
}

TEST(Bounds, AWindowEndsByItself) {
  auto peak = named("peak", "0 8 * * *");
  peak.lasts = 2h;
  peak.floor = 5;
  const auto schedules = made({peak});
  EXPECT_EQ(bounds_at(gpu(), schedules, at("2026-11-26T07:59:00Z")), (Bounds{2, 6, ""}));
  EXPECT_EQ(bounds_at(gpu(), schedules, at("2026-11-26T09:59:59Z")), (Bounds{5, 6, "peak"}));
  EXPECT_EQ(bounds_at(gpu(), schedules, at("2026-11-26T10:00:00Z")), (Bounds{2, 6, ""}));
}

TEST(Bounds, AFloorNeverLowersAndMinGivesWayToMax) {
  auto peak = named("peak", "0 8 * * *");
  peak.lasts = 2h;
  peak.floor = 1;
  EXPECT_EQ(bounds_at(gpu(), made({peak}), at("2026-11-26T08:00:00Z")).min, 2);
  peak.floor = 9;
  EXPECT_EQ(bounds_at(gpu(), made({peak}), at("2026-11-26T08:00:00Z")), (Bounds{6, 6, "peak"}));
  peak.enabled = false;
  EXPECT_EQ(bounds_at(gpu(), made({peak}), at("2026-11-26T08:00:00Z")), (Bounds{2, 6, ""}));
}

TEST(Bounds, OneDateHoldsOnce) {
  ScheduleSpec launch = named("launch", "");
  launch.at = "2026-12-01 08:00";
  launch.timezone = "Asia/Shanghai";
  launch.lasts = 1h;
  launch.min = 5;
  const auto schedules = made({launch});
  EXPECT_EQ(bounds_at(gpu(), schedules, at("2026-12-01T00:30:00Z")).min, 5);
  EXPECT_EQ(bounds_at(gpu(), schedules, at("2026-12-01T01:00:00Z")).min, 2);
  EXPECT_EQ(schedules[0].next(at("2026-12-01T00:00:00Z")), std::nullopt);
}

TEST(Mutes, HoldForTheirTime) {
  ScheduleSpec night;
  night.name = "night";
  night.cron = "0 22 * * *";
  night.timezone = "Asia/Shanghai";
  night.lasts = 8h;
  night.mute = {"GPU usage low"};
  const auto schedules = made({night});
  EXPECT_EQ(mutes_at(schedules, at("2026-11-26T15:00:00Z")).at("GPU usage low"), "night");
  EXPECT_TRUE(mutes_at(schedules, at("2026-11-26T22:00:00Z")).empty());
}

TEST(DuePull, TheNewestMissedRunIsMadeUpForWhileItsTimeLasts) {
  ScheduleSpec warm;
  warm.name = "warm";
  warm.cron = "0 * * * *";
  warm.trigger = "gpu-out";
  const auto schedule = *Schedule::make(warm);
  const WallTime done = at("2026-11-26T05:00:00Z");
  EXPECT_EQ(due_pull(schedule, done, at("2026-11-26T05:30:00Z")), std::nullopt);
  EXPECT_EQ(due_pull(schedule, done, at("2026-11-26T08:00:59Z")), at("2026-11-26T08:00:00Z"))
      << "once, not thrice";
  EXPECT_EQ(due_pull(schedule, done, at("2026-11-26T08:01:00Z")), std::nullopt) << "too late";
  warm.lasts = 30min;
  EXPECT_EQ(due_pull(*Schedule::make(warm), done, at("2026-11-26T08:29:00Z")), at("2026-11-26T08:00:00Z"));
}

TEST(Schedule, EveryFaultIsNamed) {
  const auto faults = [](void (*spoil)(ScheduleSpec&)) {
    auto spec = named("x", "0 8 * * *");
    spec.min = 3;
    spoil(spec);
    return faults_of(spec);
  };
  EXPECT_THAT(faults([](ScheduleSpec&) {}), IsEmpty());
  EXPECT_THAT(faults([](ScheduleSpec& s) { s.cron = "61 * * * *"; }),
              Contains(HasSubstr("the minute \"61\"")));
  EXPECT_THAT(faults([](ScheduleSpec& s) { s.at = "2026-12-01 08:00"; }),
              Contains(HasSubstr("either cron or at")));
  EXPECT_THAT(faults([](ScheduleSpec& s) { s.timezone = "Mars"; }),
              Contains(HasSubstr("no time zone \"Mars\"")));
  EXPECT_THAT(faults([](ScheduleSpec& s) { s.min.reset(); }), Contains(HasSubstr("it does nothing")));
  EXPECT_THAT(faults([](ScheduleSpec& s) { s.pool.clear(); }), Contains(HasSubstr("whose bounds")));
  EXPECT_THAT(faults([](ScheduleSpec& s) { s.max = 1; }), Contains(HasSubstr("min is greater")));
  EXPECT_THAT(faults([](ScheduleSpec& s) { s.mute = {"r"}; }), Contains(HasSubstr("how long it mutes")));
  EXPECT_THAT(faults([](ScheduleSpec& s) { s.lasts = 800h; }), Contains(HasSubstr("for: must be")));
}

}  // namespace
}  // namespace gpuscale::schedule
