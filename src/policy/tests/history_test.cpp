// SPDX-License-Identifier: Apache-2.0
#include "policy/history.h"

#include <gmock/gmock.h>

namespace gpuscale::policy {
namespace {

using ::testing::DoubleNear;
using ::testing::Optional;

constexpr std::int64_t kOneDay = Season::kDaySeconds;

/// A load of 10 nodes, of which the bases without history would want so many.
class Watched {
 public:
  explicit Watched(std::int64_t period = 5) : period_(period) {}

  void pass(std::int64_t seconds, double without, bool heard = true) {
    for (const std::int64_t end = now_ + seconds; now_ < end; now_ += period_) {
      const double work = 10.0 * 5;  // each look is of a tick of 5 s, however late it comes
      history_.follow({.at = now_ + period_,
                       .seconds = 5,
                       .horizon = 185,
                       .work = work,
                       .heard = heard,

                       .load = 10,
                       .rise = 10});
      history_.learn(10, 37, true);
      LoadBase::Margins uncovered{};
      uncovered.fill(0.001);
      history_.measure(uncovered, MarginTrials::kFirst, {.root = 4, .load = 10});
      history_.compare(static_cast<double>(period_), without);
    }
  }
  void skip(std::int64_t seconds) { now_ += seconds; }
  History& history() { return history_; }

 private:
  const std::int64_t period_;
  std::int64_t now_ = 0;
  History history_{kOneDay, 1, 10};
};

TEST(History, IsUsedOnceItHasBeenCheaperForADayAndUntilItHardlyIs) {
  Watched watched;
  watched.pass(kOneDay, 20);
  EXPECT_FALSE(watched.history().known());
  watched.pass(kOneDay / 2, 20);
  EXPECT_TRUE(watched.history().known());
  EXPECT_EQ(watched.history().share(), std::nullopt) << "half a day proves nothing";
  EXPECT_FALSE(watched.history().used());
  watched.pass(kOneDay / 2 + 3'600, 20);
  EXPECT_THAT(watched.history().share(), Optional(DoubleNear(0.52, 0.04)));
  EXPECT_TRUE(watched.history().used());
  // It is as dear as the others from now on: what was before fades in days.
  int hours = 0;
  for (; watched.history().used() && hours < 1'000; ++hours) watched.pass(3'600, watched.history().want());
  EXPECT_GT(hours, 24);
  EXPECT_LT(hours, 240);
  EXPECT_GE(watched.history().share(), 0.98);
  watched.pass(3'600, watched.history().want() * 1.5);
  EXPECT_GT(watched.history().share(), 0.95);
  EXPECT_FALSE(watched.history().used()) << "what was given up has to be clearly cheaper again";
}

TEST(History, IsNotUsedAtAnHourThatItDoesNotKnow) {
  Watched watched;
  watched.pass(12 * 3'600, 20);
  watched.skip(12 * 3'600);
  watched.pass(12 * 3'600, 20);
  watched.skip(12 * 3'600);
  watched.pass(11 * 3'600, 20);
  watched.skip(13 * 3'600);
  watched.pass(6 * 3'600, 20);
  EXPECT_TRUE(watched.history().used());
  watched.pass(12 * 3'600, 20);
  EXPECT_FALSE(watched.history().known());
  EXPECT_FALSE(watched.history().used());
}

TEST(History, RemembersNothingOfATimeInWhichNobodyWasHeard) {
  Watched watched;
  watched.pass(kOneDay, 20, false);
  watched.pass(kOneDay, 20);
  EXPECT_FALSE(watched.history().known());
  watched.pass(3'600, 20);
  EXPECT_TRUE(watched.history().known());
}

TEST(History, RemembersLooksThatComeLate) {
  Watched watched(12);
  watched.pass(kOneDay + 3'600, 20);
  EXPECT_TRUE(watched.history().known());
}

TEST(History, ReadsBackWhatItWrote) {
  Watched watched;
  watched.pass(2 * kOneDay + 3'600, 20);
  StateWriter out("history/1");
  watched.history().write(out);
  History after(kOneDay, 1, 1);
  auto in = StateReader::open("history/1", out.text());
  ASSERT_TRUE(in && after.read(*in) && in->end());
  EXPECT_EQ(after.share(), watched.history().share());
  EXPECT_FALSE(after.used()) << "before it has looked once";
  after.follow({.at = 2 * kOneDay + 3'600,
                .seconds = 5,
                .horizon = 185,
                .work = 50,
                .heard = true,

                .load = 10,
                .rise = 10});
  EXPECT_TRUE(after.used());
  std::string cut = out.text();
  cut.resize(cut.rfind(' '));
  History fresh(kOneDay, 1, 1);
  auto damaged = StateReader::open("history/1", cut);
  EXPECT_FALSE(fresh.read(*damaged));
}

}  // namespace
}  // namespace gpuscale::policy
