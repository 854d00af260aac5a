// SPDX-License-Identifier: Apache-2.0
#include "schedule/runner.h"

#include <gmock/gmock.h>

#include "base/rfc3339.h"
#include "base/testing/manual_clock.h"

namespace gpuscale::schedule {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class RunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *db::Database::open("");
    ledger_ = *activity::Ledger::open(*database_);
    pool_.name = "gpu";
    pool_.min = 2;
    pool_.max = 6;
  }
  /// As a restart does.
  void open(const std::vector<ScheduleSpec>& schedules) {
    runner_.reset();
    runner_ = *Runner::open(*database_, *ledger_, clock_, log::Log::silent(),
                            {[this](const std::map<std::string, Bounds>& bounds) -> Result<void> {
                               set_.push_back(bounds.at("gpu"));
                               return {};
                             },
                             [this](const Pull& pull) -> Result<bool> {
                               pulls_.push_back(pull.trigger + " " + pull.idempotency_key);
                               return granted_;
                             }});
    ASSERT_TRUE(runner_->configure(schedules, {pool_}));
  }
  void at(const std::string& time) {
    clock_.jump_wall(*base::parse_rfc3339(time) - clock_.wall());
    if (runner_) runner_->tick(clock_.wall());
  }

  base::testing::ManualClock clock_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  pool::PoolSpec pool_;
  std::vector<Bounds> set_;
  std::vector<std::string> pulls_;
  bool granted_ = true;
  std::unique_ptr<Runner> runner_;
};

TEST_F(RunnerTest, SetsBoundsOnceAsTheyChange) {
  ScheduleSpec peak;
  peak.name = "peak";
  peak.cron = "0 8 * * *";
  peak.pool = "gpu";
  peak.lasts = 1h;
  peak.min = 4;
  at("2026-11-26T07:59:59Z");
  open({peak});
  at("2026-11-26T08:00:00Z");
  at("2026-11-26T08:30:00Z");
  at("2026-11-26T09:00:00Z");
  EXPECT_THAT(set_, ElementsAre(Bounds{2, 6, ""}, Bounds{4, 6, "peak"}, Bounds{2, 6, ""}));
  EXPECT_EQ(ledger_->query({.kind_prefix = "pool.bounds"})->size(), 2U);
}

TEST_F(RunnerTest, ARestartInAWindowSetsItsBoundsAtOnce) {
  ScheduleSpec peak;
  peak.name = "peak";
  peak.cron = "0 8 * * *";
  peak.pool = "gpu";
  peak.lasts = 1h;
  peak.max = 9;
  at("2026-11-26T08:30:00Z");
  open({peak});
  EXPECT_THAT(set_, ElementsAre(Bounds{2, 9, "peak"}));
}

TEST_F(RunnerTest, PullsOnceAlsoOverARestartAndMakesUpForTheNewestMissed) {
  ScheduleSpec warm;
  warm.name = "warm";
  warm.cron = "0 * * * *";
  warm.trigger = "gpu-out";
  warm.lasts = 10min;
  at("2026-11-26T05:01:00Z");
  open({warm});
  EXPECT_TRUE(pulls_.empty()) << "what ran before it was known was not missed";
  at("2026-11-26T06:00:00Z");
  at("2026-11-26T06:00:01Z");
  open({warm});
  at("2026-11-26T06:00:02Z");
  EXPECT_THAT(pulls_, ElementsAre("gpu-out schedule warm 2026-11-26T06:00:00Z"));
  runner_.reset();
  clock_.jump_wall(*base::parse_rfc3339("2026-11-26T09:05:00Z") - clock_.wall());
  open({warm});
  at("2026-11-26T09:05:01Z");
  EXPECT_EQ(pulls_.size(), 2U);
  EXPECT_EQ(pulls_.back(), "gpu-out schedule warm 2026-11-26T09:00:00Z");
}

TEST_F(RunnerTest, WhatIsNotGrantedIsTriedAgainUnderTheSameKey) {
  ScheduleSpec warm;
  warm.name = "warm";
  warm.cron = "0 * * * *";
  warm.trigger = "gpu-out";
  at("2026-11-26T05:01:00Z");
  open({warm});
  granted_ = false;
  at("2026-11-26T06:00:00Z");
  granted_ = true;
  at("2026-11-26T06:00:01Z");
  at("2026-11-26T06:00:02Z");
  EXPECT_EQ(pulls_.size(), 2U);
  EXPECT_EQ(pulls_[0], pulls_[1]);
}

TEST_F(RunnerTest, SaysWhichRulesAreMutedAndWhatComesNext) {
  ScheduleSpec night;
  night.name = "night";
  night.cron = "0 22 * * *";
  night.lasts = 8h;
  night.mute = {"low"};
  at("2026-11-26T21:00:00Z");
  open({night});
  EXPECT_EQ(runner_->muted("low"), std::nullopt);
  at("2026-11-26T23:00:00Z");
  EXPECT_EQ(runner_->muted("low"), "schedule night");
  EXPECT_EQ(runner_->muted("high"), std::nullopt);
  const auto status = runner_->status(2);
  ASSERT_EQ(status.size(), 1U);
  EXPECT_EQ(status[0].holds_until, base::parse_rfc3339("2026-11-27T06:00:00Z").value());
  EXPECT_EQ(status[0].next_runs.size(), 2U);
  night.enabled = false;
  open({night});
  EXPECT_TRUE(runner_->status(2).at(0).next_runs.empty()) << "one that is switched off has none";
}

TEST_F(RunnerTest, WhatIsMadeOrChangedWhileItRunsMakesUpForNothingEarlier) {
  ScheduleSpec warm;
  warm.name = "warm";
  warm.cron = "0 8 * * *";
  warm.trigger = "gpu-out";
  warm.lasts = 1h;
  at("2026-11-26T07:00:00Z");
  open({warm});
  at("2026-11-26T08:00:00Z");
  EXPECT_EQ(pulls_.size(), 1U);
  warm.cron = "5 8 * * *";
  at("2026-11-26T08:30:00Z");
  ScheduleSpec other = warm;
  other.name = "other";
  ASSERT_TRUE(runner_->configure({warm, other}, {pool_}));
  at("2026-11-26T08:30:01Z");
  EXPECT_EQ(pulls_.size(), 1U);
  at("2026-11-27T08:05:00Z");
  EXPECT_EQ(pulls_.size(), 3U);
  // Deleted and made again under its name it is another one.
  ASSERT_TRUE(runner_->configure({other}, {pool_}));
  at("2026-11-28T08:10:00Z");
  ASSERT_TRUE(runner_->configure({warm, other}, {pool_}));
  at("2026-11-28T08:10:01Z");
  EXPECT_EQ(pulls_.size(), 4U);
}

}  // namespace
}  // namespace gpuscale::schedule
