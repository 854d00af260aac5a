// SPDX-License-Identifier: Apache-2.0
#include "policy/season.h"

#include <gmock/gmock.h>

#include <functional>

namespace gpuscale::policy {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kDay = Season::kDaySeconds;
constexpr std::int64_t kNine = 9 * 3'600;

/// A minute after the other in [from, to), with the load's root.
void watch(Season& season, std::int64_t from, std::int64_t to,
           const std::function<double(std::int64_t)>& root) {
  for (std::int64_t t = from; t < to; t += 60) season.add(t, 60, 60 * root(t) * root(t));
}

double office(std::int64_t t) {
  return t % kDay >= kNine ? 5 : 2;
}

TEST(Season, KnowsNothingOfATimeThatNobodyHasSeen) {
  Season season(kDay, 1);
  EXPECT_FALSE(season.at(0));
  watch(season, 0, kNine, office);
  EXPECT_TRUE(season.at(kDay + kNine - 3'600));
  EXPECT_FALSE(season.at(kDay + kNine + 3'600));
  EXPECT_FALSE(season.between(kDay + kNine - 3'600, kDay + kNine + 3'600)) << "a part of it is unknown";
}

TEST(Season, ExpectsWhatWasAtThisTimeOfTheCycle) {
  Season season(kDay, 1);
  watch(season, 0, kDay + 600, office);
  EXPECT_NEAR(*season.at(kDay + kNine - 600), 2, 1e-9);
  EXPECT_NEAR(*season.at(kDay + kNine + 600), 5, 1e-9);
  EXPECT_NEAR(*season.at(kDay + kNine), 3.5, 1e-9) << "half way between the two bins";
  EXPECT_NEAR(season.between(kDay + kNine - 1'800, kDay + kNine - 900)->most, 2, 1e-9);
  EXPECT_NEAR(season.between(kDay + kNine - 1'800, kDay + kNine + 150)->most, 5, 1e-9);
  EXPECT_NEAR(season.between(kDay + kNine - 1'800, kDay + kNine + 150)->least, 2, 1e-9);
  EXPECT_NEAR(season.between(5 * kDay - 600, 5 * kDay + 600)->most, 5, 1e-9) << "over the end of a cycle";
}

TEST(Season, TellsTheDaysOfAWeekApart) {
  Season week(Season::kWeekSeconds, 1);
  watch(week, 0, Season::kWeekSeconds + 600, [](std::int64_t t) { return t / kDay % 7 < 5 ? 4.0 : 1.0; });
  EXPECT_NEAR(*week.at(7 * kDay + 4 * kDay + kNine), 4, 1e-9);
  EXPECT_NEAR(*week.at(7 * kDay + 5 * kDay + kNine), 1, 1e-9);
}

TEST(Season, TakesMoreAtOnceAndLessInPart) {
  Season season(kDay, 1);
  const auto day = [&](std::int64_t number, double root) {
    watch(season, number * kDay, (number + 1) * kDay, [&](std::int64_t) { return root; });
    return *season.at((number + 1) * kDay + kNine);
  };
  EXPECT_NEAR(day(0, 3), 3, 1e-9);
  EXPECT_NEAR(day(1, 5), 5, 1e-9);
  EXPECT_NEAR(day(2, 0), 4, 1e-9) << "a day without load is an outage rather than a quiet day";
  double last = 4;
  for (std::int64_t number = 3; number < 20; ++number) {
    const double now = day(number, 1);
    EXPECT_LE(now, last);
    last = now;
  }
  EXPECT_NEAR(last, 1, 0.1);
}

TEST(Season, AwaitsOnlyWhatTwoCyclesHaveShownWhereThatIsAsked) {
  Season season(kDay, 2);
  const auto day = [&](std::int64_t number, double root) {
    watch(season, number * kDay, (number + 1) * kDay, [&](std::int64_t) { return root; });
    return season.at((number + 1) * kDay + kNine);
  };
  EXPECT_FALSE(day(0, 3));
  EXPECT_NEAR(*day(1, 5), 3, 1e-9);
  EXPECT_NEAR(*day(2, 5), 5, 1e-9);
  EXPECT_NEAR(*day(3, 50), 5, 1e-9) << "once is not twice";
  EXPECT_NEAR(*day(4, 5), 5, 1e-9) << "and is not awaited";
  EXPECT_NEAR(*day(5, 0), 4, 1e-9);
}

TEST(Season, KnowsTheTimesBefore1970AsWell) {
  Season season(kDay, 1);
  watch(season, -2 * kDay, kDay, [](std::int64_t t) { return (t + 2 * kDay) % kDay >= kNine ? 5.0 : 2.0; });
  for (const std::int64_t day : {-2, -1, 0, 1}) {
    EXPECT_NEAR(*season.at(day * kDay), 3.5, 1e-9) << day;
    EXPECT_NEAR(*season.at(day * kDay + 400), 2, 1e-9) << day;
    EXPECT_NEAR(*season.at(day * kDay - 400), 5, 1e-9) << day;
    EXPECT_NEAR(season.between(day * kDay - 900, day * kDay + 900)->most, 5, 1e-9) << day;
  }
}

TEST(Season, LosesNothingWhereItIsReadBackEachMinute) {
  Season whole(kDay, 1);
  Season broken(kDay, 1);
  for (std::int64_t t = 0; t < kDay + 900; t += 60) {
    const double root = office(t);
    whole.add(t, 60, 60 * root * root);
    StateWriter out("season/1");
    broken.add(t, 60, 60 * root * root);
    broken.write(out);
    auto in = StateReader::open("season/1", out.text());
    ASSERT_TRUE(in && broken.read(*in));
  }
  for (std::int64_t t = kDay; t < 2 * kDay; t += 600) ASSERT_EQ(whole.at(t), broken.at(t)) << t;
}

TEST(Season, DoesNotExpectWhatIsJustHappening) {
  Season season(kDay, 1);
  watch(season, 0, kDay, [](std::int64_t) { return 2.0; });
  const std::int64_t now = kDay + kNine;
  watch(season, kDay, now, [](std::int64_t) { return 2.0; });
  for (std::int64_t t = now; t < now + 3'600; t += 60) {
    season.add(t, 60, 60 * 81);
    EXPECT_NEAR(*season.at(t + 240), 2, 1e-9) << t - now;
  }
}

TEST(Season, DoesNotRememberWhatItHardlySaw) {
  Season season(kDay, 1);
  watch(season, 0, kDay, [](std::int64_t) { return 2.0; });
  // Two of five minutes, then a gap, as of a server that was down.
  season.add(kDay + kNine, 60, 60 * 81);
  season.add(kDay + kNine + 60, 60, 60 * 81);
  watch(season, kDay + kNine + 3'600, kDay + kNine + 7'200, [](std::int64_t) { return 2.0; });
  EXPECT_NEAR(*season.at(2 * kDay + kNine + 150), 2, 1e-9);
}

TEST(Season, ReadsBackWhatItWrote) {
  Season before(kDay, 1);
  watch(before, 0, kNine, [](std::int64_t t) { return 1 + static_cast<double>(t % 7) / 3; });
  StateWriter out("season/1");
  before.write(out);
  Season after(kDay, 1);
  auto in = StateReader::open("season/1", out.text());
  ASSERT_TRUE(in);
  ASSERT_TRUE(after.read(*in));
  EXPECT_TRUE(in->end());
  StateWriter again("season/1");
  after.write(again);
  EXPECT_EQ(again.text(), out.text());
  EXPECT_EQ(before.at(kDay + 3'600), after.at(kDay + 3'600));
  EXPECT_FALSE(after.at(kDay + 2 * kNine));
}

TEST(Season, RefusesADamagedStateAndStaysAsItWas) {
  Season season(kDay, 1);
  watch(season, 0, kNine, office);
  StateWriter out("season/1");
  season.write(out);
  std::string fraction = out.text();
  fraction.replace(fraction.find(" 201"), 4, " 2.5");
  std::string huge = out.text();
  huge.replace(huge.find(" 201"), 4, " 9e99");
  const std::string cut = out.text().substr(0, out.text().size() / 2);
  for (const std::string& bad : {fraction, huge, cut}) {
    auto in = StateReader::open("season/1", bad);
    ASSERT_TRUE(in);
    EXPECT_THAT(season.read(*in).error().message(), HasSubstr("damaged"));
    EXPECT_NEAR(*season.at(kDay + 3'600), 2, 1e-9);
  }
}

}  // namespace
}  // namespace gpuscale::policy
