// SPDX-License-Identifier: Apache-2.0
/// What lookout makes of a load whose days are alike, and of one whose days are not: in the pool model.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <memory>
#include <random>

#include "policy/lookout.h"
#include "sim/pool_run.h"

namespace gpuscale::sim {
namespace {

using ::testing::ContainsRegex;

constexpr std::int64_t kTick = 5;
constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kNine = 9 * 3'600;
constexpr std::int64_t kSix = 18 * 3'600;
constexpr double kNight = 3;
constexpr double kBusy = 30;

using Load = std::function<double(std::int64_t)>;  ///< nodes, by seconds since 1970

/// Office hours, with a noise of its own.
Load office(unsigned seed) {
  auto noise = std::make_shared<std::mt19937_64>(seed);
  return [noise](std::int64_t t) {
    std::normal_distribution<double> bell;
    const bool busy = t % kDay >= kNine && t % kDay < kSix;
    return std::max(0.0, (busy ? kBusy : kNight) + 0.3 * bell(*noise));
  };
}

struct Day {
  double nodes = 0;        ///< mean, paid
  double bad = 0;          ///< node-seconds
  std::int64_t ready = 0;  ///< when the office opens
};

class Pool {
 public:
  /// @param begun seconds since 1970
  explicit Pool(std::int64_t begun, const std::string& learned = {}) : now_(begun) {
    run_.set_time(begun);
    if (learned.empty()) return;
    const auto done = policy_.relearn(learned);
    EXPECT_TRUE(done) << done.error().message();
  }

  Day pass(std::int64_t seconds, const Load& load) {
    Day day;
    const double before = run_.bad_work();
    for (const std::int64_t end = now_ + seconds; now_ < end; now_ += kTick) {
      const TickRecord tick = run_.step(load(now_));
      day.nodes += static_cast<double>(tick.ready + tick.booting + tick.draining);
      if (now_ % kDay == kNine) day.ready = tick.ready;
    }
    day.nodes *= static_cast<double>(kTick) / static_cast<double>(seconds);
    day.bad = run_.bad_work() - before;
    return day;
  }
  const policy::Lookout& policy() const { return policy_; }

 private:
  std::int64_t now_;
  policy::Lookout policy_{{}};
  PoolRun run_{{.tick_seconds = kTick, .boot_seconds = 180, .first_nodes = 5}, &policy_, 7'200 / kTick};
};

TEST(LookoutDays, HasNodesReadyForAStepThatComesEachDayAndNoMoreThanItTakes) {
  Pool pool(0);
  const Load load = office(1);
  const Day first = pool.pass(kDay, load);
  EXPECT_GT(first.bad, 0) << "a step of tenfold in no time: nobody serves the first one";
  EXPECT_LT(first.ready, 10);
  const Day second = pool.pass(kDay, load);
  EXPECT_EQ(pool.policy().evidence().history, "") << "a day proves nothing";
  Day proven;
  for (int day = 2; day < 6; ++day) {
    proven = pool.pass(kDay, load);
    EXPECT_EQ(proven.bad, 0) << day;
  }
  EXPECT_GE(proven.ready, kBusy);
  EXPECT_LT(proven.nodes, 0.6 * second.nodes) << "nobody fears the step all day any more";
  EXPECT_EQ(pool.policy().evidence().history, "day");
  EXPECT_THAT(pool.policy().reason(), ContainsRegex("the day's history [0-9.]+, which is used: it has cost"));
}

TEST(LookoutDays, KeepsWhatItLearnedOfTheDayOverARestart) {
  Pool before(0);
  const Load load = office(2);
  before.pass(5 * kDay + 3 * 3'600, load);
  Pool after(5 * kDay + 4 * 3'600, before.policy().learned());
  const Day day = after.pass(kDay, load);
  EXPECT_GE(day.ready, kBusy);
  EXPECT_EQ(day.bad, 0);
}

TEST(LookoutDays, ReleasesWhatItExpectedWhereADayIsFree) {
  Pool pool(0);
  const Load load = office(3);
  pool.pass(5 * kDay, load);
  const Load quiet = [](std::int64_t) { return kNight; };
  pool.pass(kNine, quiet);
  EXPECT_LT(pool.pass(3'600, quiet).nodes, kBusy);
  EXPECT_LT(pool.pass(3'600, quiet).nodes, 3 * kNight) << "what is usual is soon seen not to come";
}

TEST(LookoutDays, KeepsAQuietDayQuietOnceItKnowsTheWeek) {
  Pool pool(0);
  const Load busy = office(4);
  const Load load = [&](std::int64_t t) { return t / kDay % 7 < 5 ? busy(t) : kNight; };
  pool.pass(15 * kDay, load);
  // From the third week's Tuesday on.
  for (int day = 1; day < 5; ++day) EXPECT_EQ(pool.pass(kDay, load).bad, 0) << day;
  EXPECT_EQ(pool.policy().evidence().history, "week");
  const Day free = pool.pass(kDay, load);
  EXPECT_LT(free.ready, kBusy / 2) << "Saturday morning";
  pool.pass(kDay, load);
  EXPECT_EQ(pool.pass(kDay, load).bad, 0) << "Monday, after two free days";
}

TEST(LookoutDays, DoesNotAwaitAgainWhatHappenedOnce) {
  Pool pool(0);
  const Load usual = office(7);
  const Load load = [&](std::int64_t t) {
    const bool event = t >= 9 * kDay + 3 * 3'600 && t < 9 * kDay + 3 * 3'600 + 1'800;
    return usual(t) + (event ? 100 : 0);
  };
  pool.pass(16 * kDay, load);
  Day night;
  for (int ticks = 0; ticks < 5 * 3'600 / kTick; ++ticks) {
    const Day tick = pool.pass(kTick, load);
    night.nodes = std::max(night.nodes, tick.nodes);
  }
  EXPECT_LT(night.nodes, 3 * kNight) << "a week later";
}

TEST(LookoutDays, LeavesHistoryUnusedWhereDaysAreNotAlike) {
  std::mt19937_64 dice(5);
  std::normal_distribution<double> bell;
  // Wanders about 10 nodes, over hours.
  double power = 0;
  const Load load = [&](std::int64_t) {
    power += 0.01 * bell(dice) - 0.0005 * power;
    return 10 * std::exp(power);
  };
  Pool pool(0);
  for (int day = 0; day < 8; ++day) {
    pool.pass(kDay, load);
    EXPECT_EQ(pool.policy().evidence().history, "") << day;
  }
  EXPECT_THAT(pool.policy().reason(), ContainsRegex("the day's history [0-9.]+, unused: it has cost"));
}

}  // namespace
}  // namespace gpuscale::sim
