// SPDX-License-Identifier: Apache-2.0
#include "policy/margin_trials.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gpuscale::policy {
namespace {

constexpr std::int64_t kPeriodSeconds = 60;
constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kBoot = 120;
constexpr double kUncovered = 0.0002;

/// Margins of 20, 19, 18 ... nodes under a load that now and then takes more of them.
class Day {
 public:
  explicit Day(MarginTrials& trials) : trials_(trials) {}

  /// @param burst nodes, for ten minutes each `every` seconds
  void pass(std::int64_t seconds, double load, double burst, std::int64_t every) {
    for (const std::int64_t end = now_ + seconds; now_ < end; now_ += kPeriodSeconds) {
      const double nodes = now_ % every < 600 ? burst : load;
      trials_.live(nodes * kPeriodSeconds, kPeriodSeconds, 20);
      for (std::size_t margin = 0; margin < MarginTrials::kCount; ++margin) {
        trials_.plan(margin, now_, size(margin), kBoot);
      }
    }
  }
  static std::int64_t size(std::size_t margin) { return 20 - static_cast<std::int64_t>(margin); }

 private:
  MarginTrials& trials_;
  std::int64_t now_ = 0;
};

TEST(MarginTrials, TakeTheMiddleOneUntilAWholeDayIsKnown) {
  MarginTrials trials(kUncovered);
  Day day(trials);
  day.pass(kDaySeconds - 3'600, 5, 5, kDaySeconds);
  EXPECT_EQ(trials.best(), MarginTrials::kFirst);
  EXPECT_FALSE(trials.sure());
  day.pass(8 * kDaySeconds, 5, 5, kDaySeconds);
  EXPECT_TRUE(trials.sure());
  EXPECT_EQ(trials.best(), MarginTrials::kCount - 1) << "nothing ever came too late with any of them";
}

TEST(MarginTrials, TakeTheNarrowestThatLosesNoMoreThanAllowed) {
  MarginTrials trials(kUncovered);
  Day day(trials);
  // Ten minutes a day at 17.5 nodes: 18 serve them, 17 do not.
  day.pass(14 * kDaySeconds, 10, 17.5, kDaySeconds);
  EXPECT_EQ(trials.best(), 2U);
  EXPECT_EQ(trials.late(2), 0);
  EXPECT_GT(trials.late(3), 0.005);
}

TEST(MarginTrials, PayForNoMarginThatSavesNothing) {
  MarginTrials trials(kUncovered);
  Day day(trials);
  // What no margin serves is lost with all of them.
  day.pass(14 * kDaySeconds, 0, 60, kDaySeconds);
  EXPECT_GT(trials.late(0), 0.02);
  EXPECT_EQ(trials.best(), MarginTrials::kCount - 1);
}

TEST(MarginTrials, CountANodeOnlyOnceItHasBooted) {
  MarginTrials trials(kUncovered);
  trials.plan(0, 0, 4, kBoot);
  trials.plan(0, 60, 9, kBoot);
  EXPECT_EQ(trials.planned(0, 1), 9);
  EXPECT_EQ(trials.ready(0, 1), 4);
  trials.plan(0, 120, 9, kBoot);
  EXPECT_EQ(trials.ready(0, 1), 4);
  trials.plan(0, 180, 9, kBoot);
  EXPECT_EQ(trials.ready(0, 1), 9) << "launched at 60, there from 180 on";
  trials.plan(0, 240, 3, kBoot);
  EXPECT_EQ(trials.ready(0, 1), 3) << "released nodes go at once";
  EXPECT_EQ(trials.planned(1, 7), 7) << "no plan yet";
  EXPECT_EQ(trials.ready(1, 7), 7);
}

TEST(MarginTrials, ForgetInWeeksWhatIsOver) {
  MarginTrials trials(kUncovered);
  Day day(trials);
  day.pass(3 * kDaySeconds, 10, 17.5, kDaySeconds);
  EXPECT_EQ(trials.best(), 2U);
  day.pass(90 * kDaySeconds, 10, 10, kDaySeconds);
  EXPECT_EQ(trials.best(), MarginTrials::kCount - 1);
}

TEST(MarginTrials, GoOnAfterARestartWithWhatTheyHaveSeen) {
  MarginTrials before(kUncovered);
  Day day(before);
  day.pass(5 * kDaySeconds, 10, 17.5, kDaySeconds);
  StateWriter out("trials");
  before.write(out);
  MarginTrials after(kUncovered);
  auto in = StateReader::open("trials", out.text());
  ASSERT_TRUE(in && after.read(*in) && in->end());
  EXPECT_EQ(after.best(), before.best());
  for (std::size_t margin = 0; margin < MarginTrials::kCount; ++margin) {
    EXPECT_EQ(after.late(margin), before.late(margin));
  }
  auto broken = StateReader::open("trials", "trials 1 2 3 nan");
  EXPECT_FALSE(after.read(*broken));
  EXPECT_EQ(after.best(), before.best()) << "damaged text changes nothing";
}

TEST(MarginTrials, LeaveMoreUncoveredTheNarrowerTheyAre) {
  EXPECT_DOUBLE_EQ(MarginTrials::scale(MarginTrials::kFirst), 1);
  for (std::size_t margin = 1; margin < MarginTrials::kCount; ++margin) {
    EXPECT_GT(MarginTrials::scale(margin), MarginTrials::scale(margin - 1));
  }
}

}  // namespace
}  // namespace gpuscale::policy
