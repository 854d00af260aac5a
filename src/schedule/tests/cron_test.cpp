// SPDX-License-Identifier: Apache-2.0
#include "schedule/cron.h"

#include <gmock/gmock.h>

#include <random>

#include "base/rfc3339.h"

namespace gpuscale::schedule {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

WallTime utc(const std::string& text) {
  return *base::parse_rfc3339(text);
}

std::vector<std::string> runs(const std::string& cron, const std::string& zone, const std::string& after,
                              int count) {
  const auto parsed = Cron::parse(cron);
  const auto where = Zone::named(zone);
  EXPECT_TRUE(parsed) << cron;
  EXPECT_TRUE(where) << zone;
  std::vector<std::string> out;
  WallTime time = utc(after);
  for (int i = 0; i < count; ++i) {
    time = next_run(*parsed, *where, time).value();
    out.push_back(base::format_rfc3339(time));
  }
  return out;
}

TEST(Cron, RunsAtTheTimesOfItsZone) {
  EXPECT_THAT(runs("30 8 * * 1-5", "Asia/Shanghai", "2026-11-26T10:00:00Z", 3),
              ElementsAre("2026-11-27T00:30:00Z", "2026-11-30T00:30:00Z", "2026-12-01T00:30:00Z"));
  EXPECT_THAT(runs("*/20 9-10 * * *", "UTC", "2026-11-26T10:20:00Z", 3),
              ElementsAre("2026-11-26T10:40:00Z", "2026-11-27T09:00:00Z", "2026-11-27T09:20:00Z"));
  EXPECT_THAT(runs("0 0 29 feb *", "UTC", "2026-11-26T10:00:00Z", 2),
              ElementsAre("2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"));
  EXPECT_THAT(runs("@weekly", "UTC", "2026-11-26T10:00:00Z", 1), ElementsAre("2026-11-29T00:00:00Z"));
  EXPECT_THAT(runs("0 12 13 * fri", "UTC", "2026-11-26T10:00:00Z", 3),
              ElementsAre("2026-11-27T12:00:00Z", "2026-12-04T12:00:00Z", "2026-12-11T12:00:00Z"))
      << "either day suffices, as in cron";
  EXPECT_THAT(runs("0 0 * * 7", "UTC", "2026-11-26T10:00:00Z", 1), ElementsAre("2026-11-29T00:00:00Z"));
}

TEST(Cron, AnHourThatDoesNotExistRunsOnce) {
  // Berlin, 2027-03-28: 02:00 becomes 03:00 at 01:00 UTC.
  EXPECT_THAT(runs("30 2 * * *", "Europe/Berlin", "2027-03-27T00:00:00Z", 3),
              ElementsAre("2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"));
  EXPECT_THAT(runs("*/15 2 * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", 2),
              ElementsAre("2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z"));
}

TEST(Cron, AnHourThatComesTwiceRunsOnce) {
  // Berlin, 2027-10-31: 03:00 becomes 02:00 at 01:00 UTC.
  EXPECT_THAT(runs("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", 2),
              ElementsAre("2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"));
}

TEST(Cron, WhatIsWrongIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"61 * * * *", "the minute \"61\" is none of 0 to 59"},
      {"* 24 * * *", "the hour \"24\""},
      {"* * 0 * *", "the day of the month \"0\""},
      {"* * * 13 *", "the month \"13\""},
      {"* * * * 8", "the day of the week \"8\""},
      {"5-1 * * * *", "the minute \"5-1\""},
      {"*/0 * * * *", "the minute \"*/0\""},
      {"1,,2 * * *", "has 4 fields"},
      {", * * * *", "the minute \",\""},
      {"a * * * *", "the minute \"a\""},
      {"* * * *", "has 4 fields; it takes 5"},
      {"@reboot", "has 1 fields"},
      {"", "has 0 fields"},
      {"0 0 30 2 *", "never comes"},
      {"99999999999999999999 * * * *", "the minute"},
  };
  for (const auto& [cron, message] : cases) {
    const auto parsed = Cron::parse(cron);
    ASSERT_FALSE(parsed) << cron;
    EXPECT_THAT(parsed.error().message(), HasSubstr(message)) << cron;
  }
  EXPECT_FALSE(Zone::named("Mars/Olympus"));
  EXPECT_FALSE(Zone::named("../etc/passwd"));
}

/// For random crons, zones and times: runs go on strictly, the last run is where the next one says, and local
/// clocks show what the cron says unless they jumped over it.
TEST(CronProperty, NextAndLastAgreeAcrossChangesOfTheClock) {
  const std::vector<std::string> zones = {"UTC",           "Europe/Berlin",   "America/New_York",
                                          "Asia/Shanghai", "Asia/Kolkata",    "Australia/Lord_Howe",
                                          "Pacific/Apia",  "America/St_Johns"};
  std::mt19937 random(20261126);
  const auto pick = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  for (int round = 0; round < 300; ++round) {
    const std::string text = std::to_string(pick(0, 59)) + " " +
                             (pick(0, 1) == 0 ? "*" : std::to_string(pick(0, 23))) + " " +
                             (pick(0, 2) > 0 ? "*" : std::to_string(pick(1, 28))) + " * " +
                             (pick(0, 2) > 0 ? "*" : std::to_string(pick(0, 6)));
    const auto cron = Cron::parse(text);
    ASSERT_TRUE(cron) << text;
    const auto zone =
        Zone::named(zones.at(static_cast<std::size_t>(pick(0, static_cast<int>(zones.size()) - 1))));
    ASSERT_TRUE(zone);
    WallTime time = utc("2026-01-01T00:00:00Z") + std::chrono::minutes{pick(0, 2 * 366 * 24 * 60)};
    for (int i = 0; i < 5; ++i) {
      const auto next = next_run(*cron, *zone, time);
      ASSERT_TRUE(next) << text;
      ASSERT_GT(*next, time) << text;
      EXPECT_EQ(last_run(*cron, *zone, *next), next) << text << " in " << zone->name();
      EXPECT_LE(last_run(*cron, *zone, *next - 1ns).value(), time) << text << " in " << zone->name();
      const auto shown = zone->local(*next);
      const bool jumped = zone->local(*next - 1min).minute + 1 != shown.minute && shown.minute != 0;
      EXPECT_TRUE(jumped || shown.minute % 60 == std::stoi(text)) << text << " in " << zone->name();
      time = *next;
    }
  }
}

TEST(ParseLocal, ReadsWhatClocksShow) {
  const auto zone = Zone::named("Asia/Shanghai");
  ASSERT_TRUE(zone);
  EXPECT_EQ(*parse_local("2026-12-01 08:00", *zone), utc("2026-12-01T00:00:00Z"));
  EXPECT_EQ(*parse_local("2026-12-01T08:00", *zone), utc("2026-12-01T00:00:00Z"));
  for (const char* wrong : {"", "2026-12-01", "2026-02-30 08:00", "2026-12-01 24:00", "2026-12-01 08:60",
                            "26-12-01 08:00", "2026/12/01 08:00"}) {
    EXPECT_FALSE(parse_local(wrong, *zone)) << wrong;
  }
}

}  // namespace
}  // namespace gpuscale::schedule
