// SPDX-License-Identifier: Apache-2.0
#include "scaling/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "scaling/decision_frame.h"
#include "scaling/pilot.h"
#include "scaling/testing/fault_world.h"
#include "scaling/tests/controller_fixture.h"

namespace gpuscale::scaling {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr TimeRange kEver{WallTime::min(), WallTime::max()};

ReplayReport replay_of(db::Database& database, const std::string& pool = "", TimeRange range = kEver) {
  const auto journal = DecisionJournal::open(database);
  EXPECT_TRUE(journal);
  const auto report = replay(**journal, pool, range);
  EXPECT_TRUE(report) << report.error().message();
  return report ? *report : ReplayReport{};
}

std::string first_of(const ReplayReport& report) {
  if (!report.first) return report.damaged.empty() ? "none" : report.damaged.front();
  return report.first->kind + "\nrecorded " + report.first->recorded + "\nreplayed " + report.first->replayed;
}

policy::PolicySpec named(const std::string& name, const std::string& choice, bool shadow = false) {
  return {name, "gpu", *policy::PolicyChoice::parse(choice), shadow, std::nullopt};
}

/// Looks `looks` times at a pool at so many percent.
void look_on(World& world, Pilot& pilot, double percent, int looks) {
  for (int i = 0; i < looks; ++i) {
    world.loads.clear();
    for (const auto& id : world.cloud.ids()) world.loads[id] = percent;
    world.clock.advance(seconds{policy::Council::kTickSeconds});
    world.cloud.finish_boots();
    world.pass(2);
    pilot.tick(world.clock.wall());
  }
}

std::unique_ptr<Pilot> open_pilot(World& world) {
  return *Pilot::open({*world.database, *world.controller, *world.ledger, world.clock, log::Log::silent()});
}

TEST(Replay, EveryRunWithRandomFaultsReplaysBitForBit) {
  std::int64_t decisions = 0;
  int crashes = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    testing::FaultWorld world(seed, {.steps = 150, .policies = true});
    crashes += world.run().crashes;
    const ReplayReport report = replay_of(world.database());
    ASSERT_TRUE(report.identical()) << "seed " << seed << ": " << first_of(report);
    EXPECT_GT(report.passes, 0) << seed;
    EXPECT_GT(report.looks, 50) << seed;
    decisions += report.passes + report.triggers + report.sizes;
  }
  EXPECT_GT(crashes, 25) << "the runs must really be interrupted";
  EXPECT_GT(decisions, 500);
}

TEST(Replay, NamesTheFirstDecisionThatDiffers) {
  World world;
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", 4, "ada"));
  world.settle();
  ASSERT_TRUE(replay_of(*world.database).identical());
  const auto journal = *DecisionJournal::open(*world.database);
  std::string inputs;
  ASSERT_TRUE(journal->each_decision(
      "gpu", kEver,
      [&](const DecisionJournal::Decision& made) -> Result<void> {
        if (made.answer.find("ada sets") != std::string::npos) inputs = made.inputs;
        return {};
      },
      [](std::int64_t, const Error&) {}));
  ASSERT_THAT(inputs, ::testing::Not(IsEmpty()));
  ASSERT_TRUE(world.database->transact([&](db::Transaction& tx) {
    return journal->add(tx, "gpu", world.clock.wall(), inputs, "another answer");
  }));
  const ReplayReport report = replay_of(*world.database);
  EXPECT_EQ(report.differing, 1);
  EXPECT_FALSE(report.identical());
  ASSERT_TRUE(report.first);
  EXPECT_EQ(report.first->kind, "size");
  EXPECT_EQ(report.first->recorded, "another answer");
  EXPECT_THAT(report.first->replayed, HasSubstr("ada sets pool gpu from 2 to 4"));
}

TEST(Replay, ALookOfTheSameSizeWhoseReasonsReadOtherwiseIsToldAsSuch) {
  World world;
  world.settle();
  const auto pilot = open_pilot(world);
  ASSERT_TRUE(pilot->set_policies({named("look", "hpa")}));
  look_on(world, *pilot, 50, 12);
  ASSERT_TRUE(replay_of(*world.database).identical());
  ASSERT_TRUE(world.database->transact([](db::Transaction& tx) -> Result<void> {
    GS_TRY(db::Statement newest, tx.prepare("SELECT body FROM council_tick ORDER BY at_ns DESC LIMIT 1"));
    GS_TRY(const bool found, newest.step());
    EXPECT_TRUE(found);
    GS_TRY(CouncilTick tick, decode_tick(newest.blob(0)));
    ++tick.digest;
    const std::string body = encode(tick);
    GS_TRY(db::Statement update, tx.prepare("UPDATE council_tick SET body = ?1 WHERE at_ns = ?2"));
    return update.bind_blob(1, body).bind(2, base::to_unix_nanos(tick.at)).run();
  }));
  const ReplayReport report = replay_of(*world.database);
  EXPECT_EQ(report.differing, 1);
  ASSERT_TRUE(report.first);
  EXPECT_THAT(report.first->replayed,
              HasSubstr("the same size; what one of its policies wanted differs, or"));
}

TEST(Replay, ADamagedRecordIsToldAndHidesNoOther) {
  World world;
  world.settle();
  ASSERT_TRUE(world.controller->set_desired("gpu", 4, "ada"));
  ASSERT_TRUE(world.database->transact([](db::Transaction& tx) {
    return tx.execute("INSERT INTO decision (pool, at_ns, base, body) VALUES ('gpu', 1, 0, x'00112233')");
  }));
  const ReplayReport report = replay_of(*world.database);
  EXPECT_EQ(report.damaged_count, 1);
  EXPECT_EQ(report.differing, 0);
  EXPECT_EQ(report.sizes, 1);
}

TEST(Replay, ARecordOfAnotherFormatIsToldFromADamagedOne) {
  World world;
  world.settle();
  const auto pilot = open_pilot(world);
  look_on(world, *pilot, 50, 3);
  ASSERT_TRUE(world.controller->set_desired("gpu", 4, "ada"));
  ASSERT_TRUE(replay_of(*world.database).identical());
  ASSERT_TRUE(world.database->transact(
      [](db::Transaction& tx) { return tx.execute("UPDATE decision SET format = 99"); }));
  ASSERT_TRUE(world.database->transact(
      [](db::Transaction& tx) { return tx.execute("UPDATE council_segment SET format = 98"); }));
  const ReplayReport report = replay_of(*world.database);
  EXPECT_EQ(report.decisions(), 0) << "none is read as what it is not";
  EXPECT_THAT(report.damaged, ::testing::Contains(HasSubstr("another version of gpuscale (format 99")));
  EXPECT_THAT(report.damaged, ::testing::Contains(HasSubstr("another version of gpuscale (format 98")));
}

TEST(Replay, KeepsToTheRangeAndThePool) {
  World world;
  world.settle();
  const WallTime before = world.clock.wall();
  world.clock.advance(minutes{1});
  ASSERT_TRUE(world.controller->set_desired("gpu", 4, "ada"));
  EXPECT_EQ(replay_of(*world.database, "gpu").sizes, 1);
  EXPECT_EQ(replay_of(*world.database, "other").decisions(), 0);
  EXPECT_EQ(replay_of(*world.database, "gpu", {WallTime::min(), before}).sizes, 0);
}

TEST(Replay, APoliciesLooksReplayOverARestartAndANewBeginning) {
  World world;
  world.settle();
  {
    const auto pilot = open_pilot(world);
    ASSERT_TRUE(pilot->set_policies({named("look", "lookout"), named("track", "hpa", true)}));
    look_on(world, *pilot, 80, 60);
    pilot->start();
    pilot->stop();
  }
  const auto again = open_pilot(world);
  ASSERT_TRUE(again->set_policies({named("look", "lookout"), named("track", "hpa", true)}));
  look_on(world, *again, 20, 60);
  const ReplayReport report = replay_of(*world.database);
  EXPECT_TRUE(report.identical()) << first_of(report);
  EXPECT_EQ(report.looks, 120);
}

TEST(Replay, ACouncilThatBeginsAnewFromItsLooksDecidesAsItsRecordDoes) {
  CouncilSegment beginning{.specs = {named("look", "lookout")}, .learned = {}, .warm_up = {}};
  policy::Council first = open_council(beginning);
  std::vector<CouncilTick> looks;
  for (int i = 0; i < 400; ++i) {
    CouncilTick tick{.at = WallTime{seconds{5 * i}},
                     .seen = {.ready = 4, .booting = 0, .utilization = 0.3 + 0.001 * (i % 97)},
                     .min_nodes = 1,
                     .max_nodes = 9,
                     .boot_seconds = 60,
                     .want = {}};
    look(first, tick);
    looks.push_back(tick);
  }
  const CouncilSegment next{
      .specs = beginning.specs, .learned = {{"look", first.learned("look")}}, .warm_up = looks};
  policy::Council live = open_council(next);
  policy::Council replayed = open_council(*decode_segment(encode(next)));
  for (CouncilTick tick : looks) {
    CouncilTick again = *decode_tick(encode(tick));
    look(live, tick);
    look(replayed, again);
    ASSERT_EQ(tick.digest, again.digest);
  }
}

TEST(Replay, AnotherPolicyIsAskedAboutTheSameInputs) {
  World world;
  world.settle();
  const auto pilot = open_pilot(world);
  look_on(world, *pilot, 90, 60);
  const auto journal = *DecisionJournal::open(*world.database);
  const auto asked = what_if(*journal, "gpu", kEver, *policy::PolicyChoice::parse("target_tracking=0.5"));
  ASSERT_TRUE(asked);
  ASSERT_EQ(asked->size(), 1U);
  const WhatIf& report = asked->front();
  EXPECT_EQ(report.looks, 60) << "a pool without policies is looked at too";
  EXPECT_EQ(report.rows.back().had, 2);
  EXPECT_EQ(report.rows.back().would, 4);
  EXPECT_GT(report.looks_more, 50);
  EXPECT_GT(report.would_node_hours, report.had_node_hours);
  EXPECT_THAT(
      what_if(*journal, "gpu", kEver, *policy::PolicyChoice::parse("hpa"))->front().rows.back().reason,
      HasSubstr("utilisation 90.0% of 2 nodes over 5s"))
      << "each says what it saw";
  EXPECT_THAT(what_if(*journal, "gpu", kEver, *policy::PolicyChoice::parse("keda")).error().message(),
              HasSubstr("rate of requests"));
}

TEST(Replay, AnotherTargetIsAskedAboutTheValueThatThePoliciesSaw) {
  World world;
  world.settle();
  policy::PolicySpec queue = named("queue", "hpa", true);
  queue.choice = {"target", 4};
  queue.formula = {.queries = {{"Q", "SELECT 1"}}, .value = "last(Q, 1m) / ready_nodes"};
  policy::PolicySpec rules = queue;
  rules.name = "rules";
  rules.choice = {"step", 0};
  rules.steps = {{.above = true, .line = 5, .nodes = 3, .for_seconds = 0}};
  const auto pilot =
      *Pilot::open({*world.database, *world.controller, *world.ledger, world.clock, log::Log::silent(),
                    [](const policy::Formula&, const PoolStatus&, WallTime) { return std::optional(8.0); }});
  ASSERT_TRUE(pilot->set_policies({queue, rules}));
  look_on(world, *pilot, 50, 30);
  const auto journal = *DecisionJournal::open(*world.database);
  const auto would = [&](const char* policy) {
    const auto asked = what_if(*journal, "gpu", kEver, *parse_asked(policy));
    EXPECT_TRUE(asked) << policy;
    return asked && !asked->empty() ? asked->front().rows.back().would : -1;
  };
  EXPECT_EQ(would("target=8"), 2);
  EXPECT_EQ(would("target=4"), 4);
  EXPECT_EQ(would("step"), 5) << "by the steps that are declared";
  EXPECT_FALSE(parse_asked("target"));
  EXPECT_FALSE(parse_asked("target=0"));
  EXPECT_FALSE(parse_asked("target=x"));
  EXPECT_FALSE(parse_asked("steps"));
}

TEST(Replay, ATargetWhoseValueNobodySawCannotBeAsked) {
  World world;
  world.settle();
  const auto pilot = open_pilot(world);
  look_on(world, *pilot, 50, 3);
  EXPECT_THAT(what_if(**DecisionJournal::open(*world.database), "gpu", kEver, *parse_asked("target=4"))
                  .error()
                  .message(),
              HasSubstr("no policy of type target"));
}

TEST(Replay, APassOfTenThousandNodesCostsWhatChanged) {
  ReconcileInput input;
  input.spec.name = "gpu";
  input.telemetry.emplace();
  for (int i = 0; i < 10'000; ++i) {
    NodeView view{NodeRecord{pool::Node{.id = pool::NodeId("gpu-" + std::to_string(100'000 + i * 37)),
                                        .pool = pool::PoolName("gpu"),
                                        .state = NodeState::kReady}}};
    view.record.node.endpoint =
        "http://10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ":8000";
    view.record.node.reason = "its agent reports 8 working devices";
    view.record.episode = "c-" + std::to_string(1'000'000 + i * 7919);
    input.telemetry->emplace(
        view.record.node.id.value(),
        NodeTelemetry{.devices_ok = 8, .devices_measured = 8, .utilization = 0.1 * (i % 997)});
    input.nodes.push_back(std::move(view));
  }
  const std::string before = encode(input);
  input.telemetry->begin()->second.utilization = 12.345678;
  const std::string after = encode(input);
  const std::string packed = pack(after, before);
  EXPECT_LT(packed.size(), after.size() / 100);
  EXPECT_EQ(*unpack(packed, before), after);
  // Each agent has reported anew since: their numbers are what is left.
  std::mt19937_64 random(7);
  for (auto& [id, said] : *input.telemetry) {
    said.last_report = WallTime{Nanos{static_cast<std::int64_t>(random() % 1'000'000'000'000)}};
    for (auto* number : {&said.utilization, &said.utilization_peak, &said.utilization_now})
      *number = std::uniform_real_distribution<double>(0, 100)(random);
  }
  EXPECT_LT(pack(encode(input), before).size(), 500'000U);
  EXPECT_FALSE(unpack(packed, after.substr(1))) << "on another base it is damaged, not something else";
}

TEST(Replay, TheJournalKeepsTheNewestWithinItsBound) {
  auto database = *db::Database::open(":memory:");
  const auto journal = *DecisionJournal::open(*database);
  const std::string inputs = encode(SizeInputs{});
  std::string noise(1U << 20U, '\0');
  std::mt19937_64 random(1);
  for (char& c : noise) c = static_cast<char>(random());
  for (int i = 0; i < 130; ++i) {
    ASSERT_TRUE(database->transact(
        [&](db::Transaction& tx) { return journal->add(tx, "gpu", WallTime{seconds{i}}, inputs, noise); }));
  }
  int kept = 0;
  WallTime oldest = WallTime::max();
  ASSERT_TRUE(journal->each_decision(
      "gpu", kEver,
      [&](const DecisionJournal::Decision& made) -> Result<void> {
        ++kept;
        oldest = std::min(oldest, made.at);
        return {};
      },
      [](std::int64_t, const Error&) {}));
  EXPECT_LE(kept, 32 + 64) << "trimmed each 64 rows";
  EXPECT_GE(oldest, WallTime{seconds{90}});
}

TEST(Replay, ATruncatedRecordIsRefused) {
  const std::string whole = encode(SizeInputs{.order = {.who = "ada", .size = 3, .hold_for = {}}});
  ASSERT_TRUE(decode_inputs(whole));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) EXPECT_FALSE(decode_inputs(whole.substr(0, cut)));
  EXPECT_FALSE(decode_inputs(whole + "x"));
}

}  // namespace
}  // namespace gpuscale::scaling
