// SPDX-License-Identifier: Apache-2.0
#include "scaling/report_age.h"

#include <gtest/gtest.h>

namespace gpuscale::scaling {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNoon = base::from_unix_nanos(1'700'000'000'000'000'000);
constexpr MonoTime kBoot{};

class ReportAgeTest : public ::testing::Test {
 protected:
  /// A server that has looked before: at a pool without nodes.
  ReportAgeTest() {
    TelemetryByNode none;
    age_.correct(none, {}, kBoot, kNoon - 3s);
  }
  /// How old the report of `report` looks when the clocks say so.
  Nanos age_of(WallTime report, Nanos mono, WallTime now) {
    TelemetryByNode telemetry{{"gpu-a", {.last_report = report}}};
    age_.correct(telemetry, silent_, kBoot + mono, now);
    return now - *telemetry.at("gpu-a").last_report;
  }
  std::set<std::string> silent_;
  ReportAge age_;
};

TEST_F(ReportAgeTest, WhatWasSilentBeforeARestartIsSilentUntilItSpeaks) {
  silent_.insert("gpu-a");
  EXPECT_EQ(age_of(kNoon, 0s, kNoon + 1s), ReportAge::kLongestRepeat);
  EXPECT_EQ(age_of(kNoon + 3s, 2s, kNoon + 3s), 0s);
}

TEST_F(ReportAgeTest, WhatTheFirstLookFindsMayBeOldHoweverYoungItLooks) {
  // While no server ran, or the store was away, the clock may have been set back.
  age_ = {};
  EXPECT_EQ(age_of(kNoon, 0s, kNoon + 1s), ReportAge::kLongestRepeat);
  EXPECT_EQ(age_of(kNoon, 2s, kNoon + 3s), ReportAge::kLongestRepeat + 2s);
  EXPECT_EQ(age_of(kNoon + 4s, 4s, kNoon + 5s), 1s) << "it speaks";
}

TEST_F(ReportAgeTest, WhatWasTooOldToBeShownIsNotFreshWhereASetBackShowsItAgain) {
  TelemetryByNode none;
  age_.correct(none, {}, kBoot, kNoon + 16s);
  EXPECT_GE(age_of(kNoon, 1s, kNoon + 15s), ReportAge::kLongestRepeat);
  EXPECT_EQ(age_of(kNoon + 16s, 2s, kNoon + 16s), 0s);
}

TEST_F(ReportAgeTest, AReportThatCameInALittleLateIsNews) {
  TelemetryByNode none;
  age_.correct(none, {}, kBoot, kNoon + 2s);
  EXPECT_EQ(age_of(kNoon, 1s, kNoon + 3s), 3s);
}

TEST_F(ReportAgeTest, IsWhatTheClockSaysWhileItRuns) {
  EXPECT_EQ(age_of(kNoon - 3s, 0s, kNoon), 3s);
  EXPECT_EQ(age_of(kNoon - 3s, 10s, kNoon + 10s), 13s);
  EXPECT_EQ(age_of(kNoon + 10s, 11s, kNoon + 11s), 1s);
  EXPECT_EQ(age_of(kNoon + 10s, 12s, kNoon + 12s + 500ms), 2s + 500ms) << "drift moves nothing";
}

TEST_F(ReportAgeTest, ASilentNodeDoesNotLookFreshAfterTheClockWasSetBack) {
  EXPECT_EQ(age_of(kNoon, 0s, kNoon), 0s);
  EXPECT_EQ(age_of(kNoon, 40s, kNoon + 40s), 40s);
  EXPECT_EQ(age_of(kNoon, 41s, kNoon + 5s), 41s);
  EXPECT_EQ(age_of(kNoon - 2s, 42s, kNoon - 1s), 42s) << "an older sample, shown once more";
  EXPECT_EQ(age_of(kNoon + 3s, 46s, kNoon + 4s), 1s) << "newer than every one before: it speaks again";
}

TEST_F(ReportAgeTest, AfterALargeSetBackTheNewTimesAreBelieved) {
  EXPECT_EQ(age_of(kNoon, 0s, kNoon), 0s);
  EXPECT_EQ(age_of(kNoon - 1h, 5s, kNoon - 1h), 0s);
  EXPECT_EQ(age_of(kNoon - 1h, 9s, kNoon - 1h + 4s), 4s);
}

TEST_F(ReportAgeTest, AClockThatWasSetForwardMakesNoneYounger) {
  EXPECT_EQ(age_of(kNoon, 0s, kNoon), 0s);
  EXPECT_EQ(age_of(kNoon, 5s, kNoon + 1h), 1h) << "until it speaks again";
  EXPECT_EQ(age_of(kNoon + 1h, 6s, kNoon + 1h + 1s), 1s);
}

}  // namespace
}  // namespace gpuscale::scaling
