// SPDX-License-Identifier: Apache-2.0
/// What is put around providers: counts, limits, a second one.
#include <gmock/gmock.h>

#include "base/testing/manual_clock.h"
#include "pool/decorators/call_meter.h"
#include "pool/decorators/fallback_provider.h"
#include "pool/decorators/throttled_provider.h"
#include "pool/testing/fake_provider.h"
#include "pool/testing/provider_conformance.h"

namespace gpuscale::pool::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Two clouds behind one provider, through all three decorators.
class TwoClouds {
 public:
  TwoClouds() { reopen(); }
  NodeProvider& provider() { return *provider_; }
  void reopen() {
    const auto metered = [this](FakeCloud& cloud) {
      return std::make_unique<MeteredProvider>(std::make_unique<FakeProvider>(cloud), "gpu", meter, clock);
    };
    provider_ = std::make_unique<ThrottledProvider>(
        *FallbackProvider::open(metered(first), metered(second), *FallbackMemory::open(*database, "gpu"),
                                clock, log::Log::silent()),
        limits, clock);
  }
  void await_running(const NodeId& id) {
    first.finish_boot(id.value());
    second.finish_boot(id.value());
  }
  void await_absent(const NodeId& id) { EXPECT_EQ(count_instances(*provider_, id), 0U); }
  void kill(const NodeId& id) {
    first.vanish(id.value());
    second.vanish(id.value());
  }
  Result<void> launch(const std::string& id) { return provider_->launch(NodeId(id)); }

  std::unique_ptr<db::Database> database = *db::Database::open(":memory:");
  base::testing::ManualClock clock;
  FakeCloud first;
  FakeCloud second;
  CallMeter meter;
  CallLimits limits{};

 private:
  std::unique_ptr<NodeProvider> provider_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Decorated, ProviderConformance, TwoClouds);

const Error kNoStock = fail(Errc::kExhausted, "no stock");

TEST(Fallback, ANodeWithoutCapacityIsMadeElsewhereAndTheFirstIsSparedForAWhile) {
  TwoClouds world;
  world.first.fail_next(Call::kLaunch, kNoStock);
  ASSERT_TRUE(world.launch("a"));
  ASSERT_TRUE(world.launch("b")) << "without asking the first again";
  EXPECT_THAT(world.second.ids(), ElementsAre("a", "b"));
  EXPECT_EQ(world.first.calls(Call::kLaunch), 1);
  world.clock.advance(kSpareAfterExhaustion);
  ASSERT_TRUE(world.launch("c"));
  EXPECT_THAT(world.first.ids(), ElementsAre("c"));
}

TEST(Fallback, ARepeatedLaunchGoesWhereTheFirstOneWent) {
  TwoClouds world;
  world.first.fail_next(Call::kLaunch, kNoStock);
  ASSERT_TRUE(world.launch("a"));
  world.clock.advance(2 * kSpareAfterExhaustion);
  ASSERT_TRUE(world.launch("a"));
  EXPECT_THAT(world.first.ids(), IsEmpty());
  world.first.fail_next(Call::kLaunch, fail(Errc::kTimeout, "no reply"));
  EXPECT_FALSE(world.launch("b")) << "it may exist, so it is made nowhere else";
  ASSERT_TRUE(world.launch("b"));
  EXPECT_THAT(world.first.ids(), ElementsAre("b"));
}

TEST(Fallback, WhatBothHaveIsListedAndADeadListIsNoList) {
  TwoClouds world;
  ASSERT_TRUE(world.launch("a"));
  world.first.fail_next(Call::kLaunch, kNoStock);
  ASSERT_TRUE(world.launch("b"));
  const auto instances = world.provider().list();
  ASSERT_TRUE(instances);
  ASSERT_EQ(instances->size(), 2U);
  EXPECT_THAT((*instances)[1].detail, HasSubstr("by fallback"));
  world.second.fail_next(Call::kList, fail(Errc::kUnavailable, "away"));
  EXPECT_FALSE(world.provider().list());
}

TEST(Fallback, NodesAreToldWhereTheyAreAlsoAfterACrash) {
  TwoClouds world;
  world.first.fail_next(Call::kLaunch, kNoStock);
  ASSERT_TRUE(world.launch("b"));
  world.reopen();
  ASSERT_TRUE(world.provider().drain(NodeId("b"))) << "before any list";
  EXPECT_TRUE(world.second.machine("b")->draining);
  ASSERT_TRUE(world.provider().terminate(NodeId("b")));
  EXPECT_THAT(world.second.ids(), IsEmpty());
}

TEST(Fallback, ALaunchRepeatedAfterACrashGoesWhereItWentThoughNoListHasShownIt) {
  TwoClouds world;
  world.first.fail_next(Call::kLaunch, kNoStock);
  ASSERT_TRUE(world.launch("a"));
  world.clock.advance(kSpareAfterExhaustion);
  world.reopen();
  ASSERT_TRUE(world.launch("a")) << "the first has stock again, and the second has made it";
  EXPECT_THAT(world.first.ids(), IsEmpty());
  EXPECT_THAT(world.second.ids(), ElementsAre("a"));
}

TEST(Fallback, ACrashDoesNotMoveALaunchOfUnknownOutcomeToTheSecond) {
  TwoClouds world;
  world.first.lose_reply(Call::kLaunch, fail(Errc::kTimeout, "no reply"), 1);
  ASSERT_FALSE(world.launch("a"));
  world.first.fail_next(Call::kLaunch, kNoStock);
  ASSERT_TRUE(world.launch("b"));
  world.reopen();
  ASSERT_TRUE(world.launch("a")) << "it exists at the first, which is spared for new nodes";
  EXPECT_THAT(world.first.ids(), ElementsAre("a"));
  EXPECT_THAT(world.second.ids(), ElementsAre("b"));
}

TEST(Fallback, TheFirstIsSparedOverACrashToo) {
  TwoClouds world;
  world.first.fail_next(Call::kLaunch, kNoStock);
  ASSERT_TRUE(world.launch("a"));
  world.clock.advance(kSpareAfterExhaustion / 2);
  world.reopen();
  ASSERT_TRUE(world.launch("b"));
  EXPECT_EQ(world.first.calls(Call::kLaunch), 1);
  world.clock.jump_wall(-24h);
  world.reopen();
  world.clock.advance(kSpareAfterExhaustion);
  ASSERT_TRUE(world.launch("c"));
  EXPECT_THAT(world.first.ids(), ElementsAre("c")) << "a clock set back spares it for 5 minutes at most";
}

TEST(Fallback, WhatAListHasShownOrWasEndedIsRememberedNoLonger) {
  TwoClouds world;
  ASSERT_TRUE(world.launch("a"));
  ASSERT_TRUE(world.launch("b"));
  ASSERT_TRUE(world.provider().terminate(NodeId("b")));
  ASSERT_TRUE(world.provider().list());
  EXPECT_THAT(*FallbackMemory::open(*world.database, "gpu")->homes(), IsEmpty());
}

TEST(Fallback, BothWithoutCapacitySayBothReasons) {
  TwoClouds world;
  world.first.fail_next(Call::kLaunch, kNoStock, 2);
  world.second.fail_next(Call::kLaunch, fail(Errc::kExhausted, "no quota"));
  const auto made = world.launch("a");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Errc::kExhausted);
  EXPECT_THAT(made.error().message(), ::testing::AllOf(HasSubstr("no stock"), HasSubstr("no quota")));
  ASSERT_TRUE(world.launch("a"));
  EXPECT_EQ(world.first.calls(Call::kLaunch), 2) << "the first was asked again";
}

TEST(Throttle, ChangesOverTheLimitAreRefusedUntilTheMinuteHasBroughtMore) {
  TwoClouds world;
  world.limits.changes_per_minute = 2;
  world.reopen();
  ASSERT_TRUE(world.launch("a"));
  ASSERT_TRUE(world.launch("b"));
  const auto third = world.launch("c");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), Errc::kExhausted);
  EXPECT_THAT(world.second.ids(), IsEmpty()) << "a limit of ours is no empty stock";
  world.clock.advance(30s);
  EXPECT_TRUE(world.launch("c"));
}

TEST(Throttle, AListIsUsedAgainUntilItIsOldOrSomethingWasChanged) {
  TwoClouds world;
  world.limits.list_every = 10s;
  world.reopen();
  ASSERT_TRUE(world.provider().list());
  world.clock.advance(9s);
  ASSERT_TRUE(world.provider().list());
  EXPECT_EQ(world.first.calls(Call::kList), 1);
  ASSERT_TRUE(world.launch("a"));
  EXPECT_EQ(count_instances(world.provider(), NodeId("a")), 1U);
  world.clock.advance(10s);
  ASSERT_TRUE(world.provider().list());
  EXPECT_EQ(world.first.calls(Call::kList), 3);
}

TEST(CallMeter, CountsCallsTheirTimeAndTheirErrorsByKind) {
  TwoClouds world;
  world.first.set_hook([&](Call, const std::string&, bool after) {
    if (!after) world.clock.advance(250ms);
  });
  world.first.fail_next(Call::kLaunch, kNoStock);
  ASSERT_TRUE(world.launch("a"));
  const auto counts = world.meter.counts();
  const CallCounts& launches = counts.at({"gpu", "launch"});
  EXPECT_EQ(launches.calls, 2U);
  EXPECT_DOUBLE_EQ(launches.seconds, 0.25);
  EXPECT_THAT(launches.errors, ElementsAre(std::pair("exhausted", 1U)));
}

}  // namespace
}  // namespace gpuscale::pool::testing
