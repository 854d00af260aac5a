// SPDX-License-Identifier: Apache-2.0
#include "policy/council.h"

#include <gmock/gmock.h>

namespace gpuscale::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr WallTime kAt{};

PolicySpec spec(const std::string& name, const std::string& choice, bool shadow = false) {
  return {name, "gpu", *PolicyChoice::parse(choice), shadow, std::nullopt};
}

/// The last proposal of so many ticks of the same observation.
std::optional<Proposal> settle(Council& council, const Observation& seen, int ticks) {
  std::optional<Proposal> last;
  for (int i = 0; i < ticks; ++i) {
    if (auto proposal = council.tick(seen, kAt, 1, 100, 60)) last = std::move(proposal);
  }
  return last;
}

TEST(Council, TheLargestWishWinsGrowthAndIsNamed) {
  Council council({spec("small", "static=5"), spec("large", "static=9")});
  const auto proposal = settle(council, {.ready = 4, .utilization = 0.9}, 12);
  ASSERT_TRUE(proposal);
  EXPECT_EQ(proposal->want, 9);
  EXPECT_EQ(proposal->decided_by, "large");
}

TEST(Council, ShrinksOnlyWhenAllAgree) {
  Council divided({spec("keep", "static=8"), spec("drop", "static=2")});
  EXPECT_FALSE(settle(divided, {.ready = 8, .utilization = 0.1}, 24));
  Council agreed({spec("drop", "static=3"), spec("drop more", "static=2")});
  const auto proposal = settle(agreed, {.ready = 8, .utilization = 0.1}, 24);
  ASSERT_TRUE(proposal);
  EXPECT_EQ(proposal->want, 3);
}

TEST(Council, DoesNotHearShadowsButKeepsTheirOpinion) {
  Council council({spec("live", "static=4"), spec("shadow", "static=20", true)});
  EXPECT_FALSE(settle(council, {.ready = 4, .utilization = 0.5}, 24));
  ASSERT_EQ(council.opinions().size(), 2U);
  EXPECT_EQ(council.opinions()[1].want, 20);
}

TEST(Council, NeverShrinksWhileANodeIsSilent) {
  Council council({spec("drop", "static=1")});
  EXPECT_FALSE(settle(council, {.ready = 4, .utilization = 0.0, .complete = false}, 24));
  EXPECT_FALSE(settle(council, {.ready = 4}, 24));
  EXPECT_TRUE(settle(council, {.ready = 4, .utilization = 0.0}, 24));
}

TEST(Council, SaysNothingOfAPoolThatWasNeverHeard) {
  Council council({spec("grow", "static=9")});
  EXPECT_FALSE(settle(council, {.ready = 4}, 100));
}

TEST(Council, KeepsToTheBounds) {
  Council council({spec("grow", "static=500")});
  EXPECT_EQ(settle(council, {.ready = 4, .utilization = 0.9}, 12)->want, 100);
}

TEST(Council, GrowsUnderLoadWithLookoutAndWithTargetTracking) {
  for (const char* choice : {"lookout", "target_tracking=0.6"}) {
    Council council({spec("p", choice)});
    std::int64_t ready = 2;
    for (int i = 0; i < 2'000; ++i) {
      const double load = i < 1'000 ? 1.0 : 6.0;
      const double utilization = std::min(1.0, load / static_cast<double>(ready));
      if (const auto proposal = council.tick({.ready = ready, .utilization = utilization}, kAt, 1, 100, 60)) {
        ready = proposal->want;
      }
    }
    EXPECT_GE(ready, 7) << choice;
    EXPECT_LE(ready, 14) << choice;
    EXPECT_THAT(council.opinions()[0].reason, HasSubstr(" ")) << choice;
  }
}

TEST(Council, RunsForWeeksInBoundedMemoryAndRemembersWhatItLearned) {
  Council council({spec("p", "lookout")});
  for (int i = 0; i < 60'000; ++i) {
    (void)council.tick({.ready = 4, .utilization = i % 100 < 50 ? 0.4 : 0.7}, kAt, 1, 100, 60);
  }
  Council restarted({spec("p", "lookout")});
  EXPECT_TRUE(restarted.relearn("p", council.learned("p")));
  EXPECT_FALSE(restarted.relearn("q", council.learned("p")));
}

/// A pool that is asked for little by night and for much from nine to six, and follows its council at once.
/// @returns the nodes that it has at the end
std::int64_t keep_office(Council& council, WallTime from, WallTime to, std::int64_t ready) {
  for (WallTime at = from; at < to; at += std::chrono::seconds{Council::kTickSeconds}) {
    const auto hour = (at - std::chrono::floor<std::chrono::days>(at)) / std::chrono::hours{1};
    const double load = hour >= 9 && hour < 18 ? 20 : 2;
    const double utilization = std::min(1.0, load / static_cast<double>(ready));
    if (const auto next = council.tick({.ready = ready, .utilization = utilization}, at, 1, 100, 60))
      ready = next->want;
  }
  return ready;
}

TEST(Council, KnowsWhatTimeOfTheDayItIsAfterARestartAsWell) {
  using std::chrono::hours;
  const WallTime monday{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23}};
  Council before({spec("p", "lookout")});
  keep_office(before, monday + hours{5}, monday + hours{5 + 4 * 24}, 4);
  Council after({spec("p", "lookout")});
  ASSERT_TRUE(after.relearn("p", before.learned("p")));
  const WallTime friday = monday + hours{4 * 24};
  EXPECT_LE(keep_office(after, friday + hours{7}, friday + hours{8}, 4), 5);
  EXPECT_GE(keep_office(after, friday + hours{8}, friday + hours{9}, 4), 20) << "before they are asked for";
}

TEST(Council, DoesNotGrowByItsOwnNodesWhileNobodyIsHeard) {
  for (const char* choice : {"lookout", "target_tracking=0.6", "hpa=0.7", "aws_tt=0.5", "gce_mig=0.6"}) {
    Council council({spec("p", choice)});
    // Nine nodes' worth of work; then it grows, and no agent is heard any more.
    for (int i = 0; i < 360; ++i) (void)council.tick({.ready = 10, .utilization = 0.9}, kAt, 1, 300, 60);
    std::int64_t ready = 10;
    for (int i = 0; i < 3'000; ++i) {
      const Observation silence{.ready = ready, .utilization = std::nullopt, .complete = false};
      if (const auto next = council.tick(silence, kAt, 1, 300, 60)) ready = next->want;
    }
    EXPECT_GE(ready, 10) << choice << ": silence is no idleness";
    EXPECT_LE(ready, 20) << choice;
  }
}

TEST(Council, RefusesPoliciesThatALivePoolCannotServe) {
  EXPECT_THAT(faults_of(spec("p", "lookout")), IsEmpty());
  EXPECT_THAT(faults_of(spec("p", "target_tracking")), IsEmpty());
  ASSERT_EQ(faults_of(spec("p", "keda")).size(), 1U);
  EXPECT_THAT(faults_of(spec("p", "keda"))[0], HasSubstr("rate of requests"));
  PolicySpec odd = spec("p", "lookout");
  odd.boot_seconds = 0;
  EXPECT_EQ(faults_of(odd).size(), 1U);
}

}  // namespace
}  // namespace gpuscale::policy
