// SPDX-License-Identifier: Apache-2.0
#include "scaling/guard_rails.h"

#include <gmock/gmock.h>

#include "notify/outbox.h"
#include "scaling/budget.h"
#include "scaling/flap_meter.h"
#include "scaling/tests/controller_fixture.h"

namespace gpuscale::scaling {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// 2023-11-14 22:13:20, a Tuesday.
constexpr WallTime kRailsNow = base::from_unix_nanos(1'700'000'000'000'000'000);

SizeChange changed(Nanos ago, int from, int to, std::optional<double> work = 1.0, bool by_hand = false) {
  return {kRailsNow - ago, from, to, work, by_hand};
}

struct RailCase {
  const char* what;
  int from;
  int wanted;
  int to;
  const char* clipped_by;
  std::function<void(pool::PoolSpec&, RailsView&)> arrange;
  bool by_hand = false;
};
class RailCases : public ::testing::TestWithParam<RailCase> {};

TEST_P(RailCases, BoundTheChangeAndSayWhich) {
  const RailCase& c = GetParam();
  pool::PoolSpec spec;
  spec.max = 100;
  RailsView view;
  c.arrange(spec, view);
  const RailsVerdict verdict = apply_rails(spec, view, c.from, c.wanted, c.by_hand, kRailsNow);
  EXPECT_EQ(verdict.to, c.to) << c.what << ": " << verdict.reason;
  EXPECT_EQ(verdict.clipped_by, c.clipped_by) << c.what;
  EXPECT_EQ(verdict.reason.empty(), verdict.clipped_by.empty());
}

void pause_pool(pool::PoolSpec&, RailsView& view) {
  view.memory.hold = {HoldMode::kPaused, "ann", {}};
}
void only_out(pool::PoolSpec&, RailsView& view) {
  view.memory.hold = {HoldMode::kOnlyOut, "ann", {}};
}
void past_hold(pool::PoolSpec&, RailsView& view) {
  view.memory.hold = {HoldMode::kPaused, "ann", kRailsNow - 1s};
}
void override_now(pool::PoolSpec&, RailsView& view) {
  view.memory.size_override = SizeOverride{4, "ann", kRailsNow + 1h};
}
void override_over(pool::PoolSpec&, RailsView& view) {
  view.memory.size_override = SizeOverride{4, "ann", kRailsNow};
}
void rate(pool::PoolSpec& spec, RailsView& view) {
  spec.limits.out = {5, 10min};
  spec.limits.in = {2, 10min};
  view.memory.changes = {changed(11min, 1, 9), changed(9min, 9, 12), changed(5min, 12, 11)};
}
void rate_ahead(pool::PoolSpec& spec, RailsView& view) {
  spec.limits.out = {5, 10min};
  view.memory.changes = {changed(-1h, 1, 9)};
}
void stabilised(pool::PoolSpec& spec, RailsView& view) {
  spec.limits.stabilise_in = 5min;
  view.wants = {{kRailsNow - 6min, 9}, {kRailsNow - 4min, 5}, {kRailsNow - 1min, 3}};
}
void flapped(pool::PoolSpec&, RailsView& view) {
  view.work = 1.0;
  view.memory.changes = {changed(20min, 4, 3), changed(10min, 3, 4)};
}
void flapped_but_load_fell(pool::PoolSpec& spec, RailsView& view) {
  flapped(spec, view);
  view.work = 0.5;
}
void flapped_long_ago(pool::PoolSpec& spec, RailsView& view) {
  flapped(spec, view);
  view.memory.changes = {changed(3h, 4, 3), changed(2h, 3, 4)};
}
void grew_with_load(pool::PoolSpec&, RailsView& view) {
  view.work = 1.0;
  view.memory.changes = {changed(20min, 4, 3, 1.0), changed(10min, 3, 4, 2.0)};
}
void fleet(pool::PoolSpec& spec, RailsView& view) {
  spec.limits.gpus_per_node = 8;
  view.fleet_gpus_left = 50;
}
void budget_used(pool::PoolSpec& spec, RailsView& view) {
  spec.limits.budget = {.gpu_hours = 10};
  view.memory.usage = {period_start(kRailsNow, pool::BudgetPeriod::kDay), kRailsNow, 10};
}

INSTANTIATE_TEST_SUITE_P(
    GuardRails, RailCases,
    ::testing::Values(RailCase{"nothing set", 3, 9, 9, "", [](pool::PoolSpec&, RailsView&) {}},
                      RailCase{"paused", 3, 4, 3, "hold", pause_pool},
                      RailCase{"paused in", 3, 2, 3, "hold", pause_pool},
                      RailCase{"a person still may", 3, 4, 4, "", pause_pool, true},
                      RailCase{"only out grows", 3, 4, 4, "", only_out},
                      RailCase{"only out keeps", 3, 2, 3, "hold", only_out},
                      RailCase{"a hold expires", 3, 4, 4, "", past_hold},
                      RailCase{"override", 4, 5, 4, "override", override_now},
                      RailCase{"override expires by itself", 4, 5, 5, "", override_over},
                      RailCase{"rate out leaves two", 11, 20, 13, "rate", rate},
                      RailCase{"rate in leaves one", 11, 5, 10, "rate", rate},
                      RailCase{"within the rate", 11, 13, 13, "", rate},
                      RailCase{"a stamp from the future binds nothing", 3, 8, 8, "", rate_ahead},
                      RailCase{"stabilisation keeps the highest want", 8, 2, 5, "stabilisation", stabilised},
                      RailCase{"stabilisation lets growth pass", 8, 9, 9, "", stabilised},
                      RailCase{"flap", 4, 3, 4, "flap", flapped},
                      RailCase{"flap never forbids growth", 4, 5, 5, "", flapped},
                      RailCase{"the load has really fallen", 4, 3, 3, "", flapped_but_load_fell},
                      RailCase{"an hour has passed", 4, 3, 3, "", flapped_long_ago},
                      RailCase{"growth with the load is no reversal", 4, 3, 3, "", grew_with_load},
                      RailCase{"fleet cap", 4, 9, 6, "fleet", fleet},
                      RailCase{"fleet cap binds persons", 4, 9, 6, "fleet", fleet, true},
                      RailCase{"fleet cap never shrinks", 8, 9, 8, "fleet", fleet},
                      RailCase{"budget", 4, 9, 4, "budget", budget_used},
                      RailCase{"budget lets shrink", 4, 2, 2, "", budget_used}),
    [](const auto& tested) {
      std::string name = tested.param.what;
      for (char& c : name) {
        if (c == ' ') c = '_';
      }
      return name;
    });

TEST(GuardRails, WhatMayEndBeforeItsTimeIsAskedAboutEachMinute) {
  const std::pair<const char*, void (*)(pool::PoolSpec&, RailsView&)> rails[] = {
      {"hold", pause_pool}, {"override", override_now}, {"flap", flapped}, {"budget", budget_used}};
  for (const auto& [by, arrange] : rails) {
    pool::PoolSpec spec;
    spec.max = 100;
    RailsView view;
    arrange(spec, view);
    const int wanted = by == std::string("budget") ? 5 : 3;
    const RailsVerdict verdict = apply_rails(spec, view, 4, wanted, false, kRailsNow);
    EXPECT_EQ(verdict.clipped_by, by);
    EXPECT_EQ(verdict.retry_after, Nanos{1min}) << by;
  }
  pool::PoolSpec spec;
  spec.limits.gpus_per_node = 8;
  RailsView view;
  view.fleet_gpus_left = 0;
  EXPECT_EQ(apply_rails(spec, view, 4, 5, false, kRailsNow).retry_after, Nanos{1min})
      << "another pool may shrink at any time";
  flapped(spec, view);
  const WallTime end = kRailsNow - 10min + kFlapRest;
  EXPECT_EQ(apply_rails(spec, view, 4, 3, false, end - 5s).retry_after, Nanos{5s}) << "what ends sooner";
}

TEST(GuardRails, ATriggerThatTheyRefuseIsToComeBackAndNoneIsTakenForDone) {
  const TriggerSpec in{.name = "gpu-in", .pool = "gpu", .type = Direction::kIn};
  const TriggerSpec out{.name = "gpu-out", .pool = "gpu", .type = Direction::kOut};
  PoolView pool{.spec = {}, .desired = 4, .counts = {}, .last_out = {}, .last_in = {}};
  pool.spec.max = 100;
  const auto refuses = [&](const TriggerSpec& trigger, const char* by) {
    const TriggerOutcome outcome = decide_trigger(trigger, {}, pool, kRailsNow);
    EXPECT_EQ(outcome.verdict, Verdict::kCooldown) << by;
    EXPECT_EQ(outcome.clipped_by, by);
    EXPECT_EQ(outcome.retry_after, Nanos{1min}) << by;
  };
  pause_pool(pool.spec, pool.rails);
  refuses(out, "hold");
  pool.rails = {};
  pool.rails.fleet_gpus_left = 4;
  refuses(out, "fleet");
  pool.rails = {};
  flapped(pool.spec, pool.rails);
  refuses(in, "flap");
  EXPECT_EQ(decide_trigger(out, {}, pool, kRailsNow).verdict, Verdict::kAccepted)
      << "lost requests are worse than flaps";
}

TEST(Budget, PeriodsBeginAtMidnightOnMondayAndOnTheFirst) {
  using std::chrono::sys_days;
  using namespace std::chrono;
  EXPECT_EQ(period_start(kRailsNow, pool::BudgetPeriod::kDay), WallTime(sys_days(2023y / 11 / 14)));
  EXPECT_EQ(period_start(kRailsNow, pool::BudgetPeriod::kWeek), WallTime(sys_days(2023y / 11 / 13)));
  EXPECT_EQ(period_start(kRailsNow, pool::BudgetPeriod::kMonth), WallTime(sys_days(2023y / 11 / 1)));
  EXPECT_EQ(period_end(kRailsNow, pool::BudgetPeriod::kMonth), WallTime(sys_days(2023y / 12 / 1)));
}

TEST(Budget, CountsWhatRanAlsoWhileNobodyLookedAndBeginsANewPeriodAtZero) {
  const auto day = pool::BudgetPeriod::kDay;
  Usage usage = count_usage({}, 8, kRailsNow, day);
  EXPECT_DOUBLE_EQ(usage.gpu_hours, 0);
  usage = count_usage(usage, 8, kRailsNow + 30min, day);
  EXPECT_DOUBLE_EQ(usage.gpu_hours, 4);
  EXPECT_DOUBLE_EQ(count_usage(usage, 8, kRailsNow, day).gpu_hours, 4) << "a clock set back";
  const WallTime morning = period_end(kRailsNow, day) + 1h;
  EXPECT_DOUBLE_EQ(count_usage(usage, 8, morning, day).gpu_hours, 8);
}

TEST(Budget, ForecastsWhenItIsUsedUp) {
  const pool::BudgetSpec spec{.gpu_hours = 0, .money = 100, .price_per_gpu_hour = 2};
  const Usage usage{period_start(kRailsNow, spec.period), kRailsNow, 40};
  const BudgetView view = view_budget(spec, usage, 10, kRailsNow);
  EXPECT_DOUBLE_EQ(view.limit_gpu_hours, 50);
  EXPECT_EQ(view.exhausted_at, kRailsNow + 1h);
  EXPECT_FALSE(view_budget(spec, usage, 1, kRailsNow).exhausted_at) << "lasts until midnight";
}

TEST(FlapMeter, WidensTheBandWithEachReversalOfTheDay) {
  const FlapMeter meter =
      measure_flaps({changed(5h, 3, 2), changed(4h + 30min, 2, 3), changed(50min, 3, 2),
                     changed(40min, 2, 3, std::nullopt), changed(10min, 3, 2, 1, true), changed(5min, 2, 3)},
                    kRailsNow);
  EXPECT_EQ(meter.last_day, 2) << "the last shrink was by hand";
  EXPECT_EQ(meter.last_hour, 1);
  EXPECT_NEAR(meter.band, 0.81, 1e-9);
}

TEST(PoolMemory, GivesTheSameBackAndRefusesWhatDoesNotDecode) {
  PoolMemory memory;
  memory.hold = {HoldMode::kOnlyOut, "ann", kRailsNow};
  memory.size_override = SizeOverride{4, "bob", kRailsNow + 1h};
  memory.changes = {changed(1min, 1, 2), changed(0s, 2, 3, std::nullopt, true)};
  memory.usage = {kRailsNow - 1h, kRailsNow, 3.5};
  const auto back = memory_from_text(to_text(memory));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(to_text(*back), to_text(memory));
  EXPECT_EQ(memory_from_text("{\"hold\": 3}").error().code(), Errc::kCorrupt);
  EXPECT_TRUE(memory_from_text(""));
}

TEST(GuardRailsLive, APausedPoolRefusesTriggersReplacesItsDeadAndForgetsThePauseInTime) {
  World world(2, 6);
  world.settle();
  ASSERT_TRUE(
      world.controller->set_hold("gpu", {HoldMode::kPaused, "ann", world.clock.wall() + minutes{10}}));
  const auto refused = world.controller->pull({.trigger = "gpu-out", .source = "test"});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->verdict, Verdict::kCooldown);
  EXPECT_EQ(refused->clipped_by, "hold");
  EXPECT_THAT(refused->reason, HasSubstr("paused by ann"));
  world.cloud.vanish(world.cloud.ids().front());
  world.settle();
  EXPECT_THAT(world.ids(NodeState::kReady), SizeIs(2));
  world.crash();
  EXPECT_EQ(world.controller->pull({.trigger = "gpu-out", .source = "test"})->clipped_by, "hold")
      << "outlives a crash";
  world.clock.advance(minutes{10});
  EXPECT_EQ(world.controller->pull({.trigger = "gpu-out", .source = "test"})->verdict, Verdict::kAccepted);
}

TEST(GuardRailsLive, AScaleInThatWaitsForAFlapRestGoesThroughWithinAMinuteOfTheLoadsFall) {
  World world(1, 6);
  world.spec.cooldown_out = world.spec.cooldown_in = seconds{1};
  world.crash();
  ASSERT_TRUE(world.controller->set_desired("gpu", 4, "ann"));
  world.settle();
  const auto carry = [&](double percent) {
    world.settle();
    world.loads.clear();
    for (const auto& id : world.ids(NodeState::kReady)) world.loads[id] = percent;
    world.clock.advance(minutes{2});
    world.settle();
  };
  const auto pull = [&](const char* trigger) {
    return world.controller->pull({.trigger = trigger, .source = "test"})->verdict;
  };
  carry(60);
  ASSERT_EQ(pull("gpu-in"), Verdict::kAccepted);
  carry(80);
  ASSERT_EQ(pull("gpu-out"), Verdict::kAccepted);
  carry(60);
  const auto outbox = *notify::Outbox::open(
      *world.database, *world.ledger, world.clock, log::Log::silent(),
      {{notify::ChannelKind::kTrigger,
        notify::make_trigger_sender(
            [&](const std::string& trigger, const notify::Message& message) -> Result<notify::Receipt> {
              const auto outcome = world.controller->pull(
                  {.trigger = trigger, .idempotency_key = message.idempotency, .source = "rule"});
              return notify::Receipt{outcome->verdict == Verdict::kCooldown ? 429 : 200, "",
                                     outcome->retry_after};
            })}});
  notify::ChannelSpec channel;
  channel.name = "in";
  channel.kind = notify::ChannelKind::kTrigger;
  channel.trigger = "gpu-in";
  ASSERT_TRUE(outbox->set_channels({channel}));
  notify::Message message;
  message.key = message.rule = "idle";
  message.idempotency = "k1";
  message.state = "firing";
  message.at = world.clock.wall();
  message.expires = message.at + 1h;
  ASSERT_TRUE(outbox->enqueue("in", message));
  outbox->tick(world.clock.wall());
  EXPECT_EQ(world.status().desired, 4) << "it rests";
  carry(20);
  outbox->tick(world.clock.wall());
  EXPECT_EQ(world.status().desired, 3) << world.entries("trigger.refused").back().summary;
}

TEST(GuardRailsLive, AnOverrideHoldsTheSizeAndExpires) {
  World world(2, 6);
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", 4, "ann", minutes{30}));
  world.clock.advance(minutes{5});
  EXPECT_EQ(world.controller->pull({.trigger = "gpu-in", .source = "test"})->clipped_by, "override");
  world.clock.advance(minutes{25});
  EXPECT_EQ(world.controller->pull({.trigger = "gpu-in", .source = "test"})->verdict, Verdict::kAccepted);
}

TEST(GuardRailsLive, WhatClippedAGrowthStandsInTheLedger) {
  World world(1, 6);
  world.spec.limits.out = {2, minutes{10}};
  world.crash();
  world.settle();
  const auto outcome = world.controller->pull({.trigger = "gpu-out", .step = 5, .source = "test"});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->to, 3);
  EXPECT_EQ(outcome->clipped_by, "rate");
  EXPECT_EQ(world.entries("pool.desired").back().details.at("clipped_by"), "rate");
}

TEST(GuardRailsLive, GpuHoursAreCountedAcrossACrashAndStopGrowthOnceUsedUp) {
  World world(2, 6);
  world.spec.limits.budget = {.gpu_hours = 3};
  world.crash();
  world.settle();
  world.clock.advance(minutes{30});
  world.pass();
  world.crash();
  world.clock.advance(minutes{61});
  world.pass(2);
  const auto budget = world.status().budget;
  EXPECT_NEAR(budget.used_gpu_hours, 3.03, 0.05);
  EXPECT_TRUE(budget.exhausted);
  const auto outcome = world.controller->pull({.trigger = "gpu-out", .source = "test"});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->clipped_by, "budget");
  EXPECT_EQ(world.status().desired, 2);
}

}  // namespace
}  // namespace gpuscale::scaling
