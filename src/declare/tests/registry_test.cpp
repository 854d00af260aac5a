// SPDX-License-Identifier: Apache-2.0
#include "declare/registry.h"

#include <gmock/gmock.h>

#include "base/testing/manual_clock.h"

namespace gpuscale::declare {
namespace {

using config::Kind;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kFile =
    "pools: [{name: gpu, min: 1, max: 3}]\n"
    "triggers: [{name: out, pool: gpu, type: scale_out}]\n"
    "channels: [{name: grow, type: trigger, trigger: out}]\n"
    "rules:\n"
    "  - {name: filed, queries: {C: 'SELECT mean(u) FROM gpu WHERE $timeFilter'}, condition: 'avg(C, 1m) > "
    "45'}\n";
constexpr const char* kHook = "https://hooks.invalid/T0/hunter2";
const json kSet = {{"secret", "set"}};

json rule(std::vector<std::string> notify = {}) {
  return {{"queries", {{"C", "SELECT mean(u) FROM gpu WHERE $timeFilter"}}},
          {"condition", "avg(C, 1m) > 70"},
          {"notify", std::move(notify)}};
}

json slack() {
  return {{"type", "slack"}, {"url", kHook}};
}

Vault vault_of(char digit) {
  Vault vault;
  vault.key = *base::SealingKey::parse(Secret(std::string(64, digit)));
  vault.file = "secret.key";
  return vault;
}

class RegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *db::Database::open("");
    ledger_ = *activity::Ledger::open(*database_);
    restart();
  }
  void restart(const std::string& file = kFile) { restart(file, vault_of('a')); }
  void restart(const std::string& file, Vault vault) {
    registry_.reset();
    auto opened = Registry::open(*database_, *ledger_, clock_, log::Log::silent(), std::move(vault),
                                 {file, "file", [](const std::string&) { return std::nullopt; }},
                                 {[this](const config::Config& config, std::optional<Kind>) -> Result<void> {
                                    if (refuses_ > 0 && refuses_-- > 0)
                                      return fail(Errc::kUnavailable, "no such provider");
                                    holds_ = config;
                                    return {};
                                  },
                                  [this](Kind, const std::string&) { return keeps_; },
                                  [this](const config::Config& next) {
                                    return next.policies.size() < least_policies_
                                               ? std::optional<std::string>("pool gpu hears one that is gone")
                                               : std::nullopt;
                                  }});
    ASSERT_TRUE(opened) << opened.error().message();
    registry_ = *std::move(opened);
    const auto started = registry_->start();
    ASSERT_TRUE(started) << started.error().message();
  }
  Result<Outcome> put(Kind kind, const std::string& name, json definition, std::int64_t version = 0,
                      bool dry_run = false) {
    return registry_->put({kind, name, std::move(definition), version, "ann", dry_run});
  }
  Outcome must_put(Kind kind, const std::string& name, json definition, std::int64_t version = 0) {
    auto outcome = put(kind, name, std::move(definition), version);
    EXPECT_TRUE(outcome) << outcome.error().message();
    return outcome ? *std::move(outcome) : Outcome{};
  }
  std::string fault(Kind kind, const std::string& name, json definition, std::int64_t version = 0) {
    const auto outcome = put(kind, name, std::move(definition), version);
    return outcome ? "" : outcome.error().message();
  }
  std::vector<std::string> rules() const {
    std::vector<std::string> out;
    for (const auto& each : holds_.rules) out.push_back(each.name);
    return out;
  }
  std::string whole_database() const {
    std::string out;
    for (const char* sql :
         {"SELECT shown || sealed || changed_by FROM declared", "SELECT summary || details FROM activity"}) {
      (void)database_->read<bool>([&](db::Transaction& transaction) -> Result<bool> {
        auto select = transaction.prepare(sql);
        if (!select) return true;
        while (*select->step()) out += select->text(0) + "\n";
        return true;
      });
    }
    return out;
  }

  base::testing::ManualClock clock_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  config::Config holds_;
  int refuses_ = 0;
  std::optional<std::string> keeps_;
  std::size_t least_policies_ = 0;
  std::unique_ptr<Registry> registry_;
};

TEST_F(RegistryTest, WhatIsMadeHoldsAtOnceAndAfterARestart) {
  const Outcome made = must_put(Kind::kRules, "mine", rule({"grow"}));
  EXPECT_EQ(made.verdict, Verdict::kCreated);
  EXPECT_GT(made.entry.version, 0);
  EXPECT_THAT(rules(), ElementsAre("filed", "mine"));
  restart();
  EXPECT_THAT(rules(), ElementsAre("filed", "mine"));
  const auto found = registry_->find(Kind::kRules, "mine");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->origin, Origin::kApi);
  EXPECT_EQ(found->changed_by, "ann");
  EXPECT_EQ(found->definition["condition"], "avg(C, 1m) > 70");
  EXPECT_EQ(registry_->find(Kind::kRules, "filed")->origin, Origin::kFile);
  EXPECT_FALSE(registry_->find(Kind::kRules, "nobody"));
}

TEST_F(RegistryTest, TheSecondOfTwoEditorsIsTold) {
  const std::int64_t read = must_put(Kind::kRules, "mine", rule()).entry.version;
  json mine = rule();
  mine["for"] = "1m";
  EXPECT_EQ(must_put(Kind::kRules, "mine", mine, read).verdict, Verdict::kChanged);
  json theirs = rule();
  theirs["for"] = "2m";
  const Outcome second = must_put(Kind::kRules, "mine", theirs, read);
  EXPECT_EQ(second.verdict, Verdict::kConflict);
  EXPECT_GT(second.entry.version, read);
  EXPECT_EQ(second.entry.definition["for"], "1m");
  EXPECT_EQ(holds_.rules.at(1).hold_for, Nanos{std::chrono::minutes{1}});
  EXPECT_EQ(must_put(Kind::kRules, "mine", theirs, 0).verdict, Verdict::kConflict);
  EXPECT_EQ(must_put(Kind::kRules, "other", theirs, 7).verdict, Verdict::kConflict);
}

TEST_F(RegistryTest, ANameThatWasDeletedNeverHasAnOldVersionAgain) {
  const std::int64_t first = must_put(Kind::kRules, "mine", rule()).entry.version;
  EXPECT_EQ(registry_->remove(Kind::kRules, "mine", first, "bob")->verdict, Verdict::kDeleted);
  EXPECT_THAT(rules(), ElementsAre("filed"));
  EXPECT_GT(must_put(Kind::kRules, "mine", rule()).entry.version, first);
  EXPECT_EQ(registry_->remove(Kind::kRules, "mine", first, "bob")->verdict, Verdict::kConflict);
  EXPECT_EQ(registry_->remove(Kind::kRules, "none", 1, "bob").error().code(), Errc::kNotFound);
}

TEST_F(RegistryTest, WhatTheFileDeclaresIsReadOnly) {
  EXPECT_EQ(must_put(Kind::kRules, "filed", rule()).verdict, Verdict::kDeclared);
  EXPECT_EQ(registry_->remove(Kind::kPools, "gpu", 0, "bob")->verdict, Verdict::kDeclared);
  EXPECT_THAT(holds_.rules.at(0).condition, "avg(C, 1m) > 45");
}

TEST_F(RegistryTest, FaultsNameTheirPlaceAndChangeNothing) {
  json bad = rule();
  bad["condition"] = "avg(C, 1m) >";
  EXPECT_THAT(fault(Kind::kRules, "mine", bad), HasSubstr("definition.condition: line 1, column"));
  EXPECT_THAT(fault(Kind::kRules, "mine", rule({"nobody"})), HasSubstr("definition.notify: no channel"));
  json renamed = rule();
  renamed["name"] = "other";
  EXPECT_THAT(fault(Kind::kRules, "mine", renamed), HasSubstr("definition.name: differs"));
  EXPECT_THAT(fault(Kind::kRules, "mine", json::array()), HasSubstr("must be an object"));
  json deep = 1;
  for (int i = 0; i < 40; ++i) deep = json::array({deep});
  EXPECT_THAT(fault(Kind::kRules, "mine", {{"labels", deep}}), HasSubstr("nested too deeply"));
  EXPECT_THAT(rules(), ElementsAre("filed"));
  EXPECT_THAT(registry_->list(Kind::kRules), ::testing::SizeIs(1));
}

TEST_F(RegistryTest, ADryRunChecksAndChangesNothing) {
  EXPECT_EQ(put(Kind::kRules, "mine", rule(), 0, true)->verdict, Verdict::kChecked);
  EXPECT_THAT(rules(), ElementsAre("filed"));
  EXPECT_FALSE(registry_->find(Kind::kRules, "mine"));
  EXPECT_THAT(*ledger_->query({}), IsEmpty());
}

TEST_F(RegistryTest, WhatSomethingNamesIsNotDeleted) {
  const std::int64_t channel = must_put(Kind::kChannels, "people", slack()).entry.version;
  const std::int64_t mine = must_put(Kind::kRules, "mine", rule({"people"})).entry.version;
  const auto refused = registry_->remove(Kind::kChannels, "people", channel, "bob");
  EXPECT_EQ(refused->verdict, Verdict::kInUse);
  EXPECT_THAT(refused->reason, HasSubstr("rule mine"));
  EXPECT_EQ(registry_->remove(Kind::kRules, "mine", mine, "bob")->verdict, Verdict::kDeleted);
  EXPECT_EQ(registry_->remove(Kind::kChannels, "people", channel, "bob")->verdict, Verdict::kDeleted);
}

TEST_F(RegistryTest, APoolThatHasNodesIsNotDeleted) {
  const std::int64_t pool = must_put(Kind::kPools, "extra", {{"min", 0}, {"max", 2}}).entry.version;
  keeps_ = "pool extra has 2 nodes";
  EXPECT_THAT(registry_->remove(Kind::kPools, "extra", pool, "bob")->reason, HasSubstr("2 nodes"));
  keeps_.reset();
  EXPECT_EQ(registry_->remove(Kind::kPools, "extra", pool, "bob")->verdict, Verdict::kDeleted);
}

TEST_F(RegistryTest, APolicyHoldsAtOnceAndKeepsItsPoolFromDeletion) {
  const std::int64_t pool = must_put(Kind::kPools, "extra", {{"min", 0}, {"max", 2}}).entry.version;
  const json calm = {{"pool", "extra"}, {"type", "hpa"}, {"target", 60}};
  const std::int64_t made = must_put(Kind::kPolicies, "calm", calm).entry.version;
  ASSERT_EQ(holds_.policies.size(), 1U);
  EXPECT_EQ(holds_.policies[0].choice.to_string(), "hpa=0.6");
  const auto refused = registry_->remove(Kind::kPools, "extra", pool, "bob");
  EXPECT_EQ(refused->verdict, Verdict::kInUse);
  EXPECT_THAT(refused->reason, HasSubstr("policy calm"));
  restart();
  EXPECT_EQ(holds_.policies.at(0).name, "calm");
  EXPECT_THAT(fault(Kind::kPolicies, "calm", {{"pool", "extra"}, {"type", "hpz"}}, made),
              HasSubstr("definition.type: no policy \"hpz\""));
  EXPECT_EQ(registry_->remove(Kind::kPolicies, "calm", made, "bob")->verdict, Verdict::kDeleted);
  EXPECT_THAT(holds_.policies, IsEmpty());
}

TEST_F(RegistryTest, AChangeThatWouldUndoWhatRunsIsRefusedWithItsReason) {
  const json calm = {{"pool", "gpu"}};
  const std::int64_t made = must_put(Kind::kPolicies, "calm", calm).entry.version;
  least_policies_ = 1;
  const auto refused = registry_->remove(Kind::kPolicies, "calm", made, "bob");
  EXPECT_EQ(refused->verdict, Verdict::kInUse);
  EXPECT_THAT(refused->reason, HasSubstr("hears one that is gone"));
  least_policies_ = 3;
  EXPECT_EQ(must_put(Kind::kPolicies, "idea", calm).verdict, Verdict::kInUse);
  EXPECT_EQ(put(Kind::kPolicies, "idea", calm, 0, true)->verdict, Verdict::kInUse);
  EXPECT_FALSE(registry_->find(Kind::kPolicies, "idea"));
}

TEST_F(RegistryTest, APolicyWhosePoolTheFileNoLongerHasIsLeftOut) {
  must_put(Kind::kPolicies, "calm", {{"pool", "gpu"}});
  restart("pools: [{name: other, min: 1, max: 3}]");
  EXPECT_THAT(holds_.policies, IsEmpty());
  EXPECT_THAT(registry_->find(Kind::kPolicies, "calm")->fault, HasSubstr("no pool \"gpu\""));
}

TEST_F(RegistryTest, SecretsAreSealedKeptAndNeverShown) {
  const Outcome made = must_put(Kind::kChannels, "people", slack());
  EXPECT_EQ(made.entry.definition["url"], kSet);
  EXPECT_EQ(holds_.channels.at(1).url, kHook);
  json edited = slack();
  edited["url"] = kSet;
  edited["timeout"] = "3s";
  must_put(Kind::kChannels, "people", edited, made.entry.version);
  EXPECT_EQ(holds_.channels.at(1).url, kHook);
  EXPECT_THAT(whole_database(), HasSubstr("v1."));
  EXPECT_THAT(whole_database(), Not(HasSubstr("hunter2")));
  restart();
  EXPECT_EQ(holds_.channels.at(1).url, kHook);
  EXPECT_THAT(fault(Kind::kChannels, "new", edited), HasSubstr("definition.url: no secret is stored"));
}

TEST_F(RegistryTest, ATriggerThatCallsKeepsItsSecretsSealedAndAtTheirAddress) {
  const json ci = {{"type", "call"}, {"url", "https://a.invalid/build"}, {"bearer", "hunter2"}};
  const Outcome made = must_put(Kind::kTriggers, "ci", ci);
  EXPECT_EQ(made.entry.definition["bearer"], kSet);
  EXPECT_EQ(holds_.triggers.at(1).action->bearer.reveal(), "hunter2");
  EXPECT_THAT(whole_database(), Not(HasSubstr("hunter2")));
  json moved = ci;
  moved["url"] = "https://evil.invalid/build";
  moved["bearer"] = kSet;
  EXPECT_THAT(fault(Kind::kTriggers, "ci", moved, made.entry.version), HasSubstr("give it anew"));
  moved["url"] = "https://a.invalid/other";
  must_put(Kind::kTriggers, "ci", moved, made.entry.version);
  restart();
  EXPECT_EQ(holds_.triggers.at(1).action->bearer.reveal(), "hunter2");
}

TEST_F(RegistryTest, AKeptSecretDoesNotGoToAnotherAddress) {
  const json webhook = {{"type", "webhook"}, {"url", "https://a.invalid/x"}, {"bearer", "hunter2"}};
  const std::int64_t version = must_put(Kind::kChannels, "hook", webhook).entry.version;
  json moved = webhook;
  moved["url"] = "https://evil.invalid/x";
  moved["bearer"] = kSet;
  EXPECT_THAT(fault(Kind::kChannels, "hook", moved, version),
              HasSubstr("definition.bearer: is kept for the old"));
}

TEST_F(RegistryTest, AWrongKeyLeavesOutWhatItCanNotOpenAndNothingElse) {
  must_put(Kind::kChannels, "people", slack());
  must_put(Kind::kRules, "mine", rule({"people", "grow"}));
  restart(kFile, vault_of('b'));
  EXPECT_THAT(rules(), ElementsAre("filed", "mine"));
  EXPECT_THAT(holds_.rules.at(1).notify, ElementsAre("grow"));
  EXPECT_EQ(holds_.channels.size(), 1U);
  const auto people = registry_->find(Kind::kChannels, "people");
  EXPECT_TRUE(people->left_out);
  EXPECT_THAT(people->fault, HasSubstr("put the right key back"));
  EXPECT_THAT(registry_->find(Kind::kRules, "mine")->fault, HasSubstr("people"));
  json kept = slack();
  kept["url"] = kSet;
  EXPECT_THAT(fault(Kind::kChannels, "people", kept, people->version), HasSubstr("put the right key back"));
  // Given anew, it works again, and so does who tells it.
  must_put(Kind::kChannels, "people", slack(), people->version);
  EXPECT_THAT(holds_.rules.at(1).notify, ElementsAre("people", "grow"));
  EXPECT_EQ(registry_->find(Kind::kRules, "mine")->fault, "");
}

TEST_F(RegistryTest, ALostKeyIsToldAndTheRightOneMendsIt) {
  must_put(Kind::kChannels, "people", slack());
  restart(kFile, Vault{std::nullopt, "secret.key", "the key is missing; put it back"});
  EXPECT_THAT(registry_->find(Kind::kChannels, "people")->fault, HasSubstr("the key is missing"));
  const auto refused = put(Kind::kChannels, "more", slack());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kUnavailable);
  EXPECT_EQ(must_put(Kind::kRules, "mine", rule({"grow"})).verdict, Verdict::kCreated);
  restart();
  EXPECT_EQ(holds_.channels.at(1).url, kHook);
}

TEST_F(RegistryTest, ATriggersSecretIsShownOnceAndMayBeRotated) {
  const json trigger = {{"pool", "gpu"}, {"type", "scale_in"}};
  const Outcome made = must_put(Kind::kTriggers, "in", trigger);
  ASSERT_TRUE(made.secret);
  EXPECT_GE(made.secret->reveal().size(), 32U);
  EXPECT_EQ(holds_.triggers.at(1).secret.reveal(), made.secret->reveal());
  EXPECT_TRUE(holds_.triggers.at(1).secret_given_once);
  EXPECT_FALSE(holds_.triggers.at(0).secret_given_once);
  EXPECT_EQ(made.entry.definition["secret"], kSet);
  json edited = trigger;
  edited["step"] = 2;
  edited["secret"] = kSet;
  const Outcome changed = must_put(Kind::kTriggers, "in", edited, made.entry.version);
  EXPECT_FALSE(changed.secret);
  EXPECT_TRUE(holds_.triggers.at(1).secret.empty());
  EXPECT_THAT(whole_database(), Not(HasSubstr(made.secret->reveal())));
  edited["secret"] = "short";
  EXPECT_THAT(fault(Kind::kTriggers, "in", edited, changed.entry.version), HasSubstr("definition.secret"));
}

TEST_F(RegistryTest, SwitchesHoldForTheFilesRulesTooAndLast) {
  ASSERT_TRUE(registry_->turn(Kind::kRules, "filed", false, "ann"));
  EXPECT_TRUE(holds_.rules.at(0).paused);
  restart();
  EXPECT_TRUE(holds_.rules.at(0).paused);
  ASSERT_TRUE(registry_->turn(Kind::kRules, "filed", true, "ann"));
  EXPECT_FALSE(holds_.rules.at(0).paused);
  EXPECT_EQ(registry_->turn(Kind::kRules, "none", true, "ann").error().code(), Errc::kNotFound);
  EXPECT_EQ(registry_->turn(Kind::kPools, "gpu", true, "ann").error().code(), Errc::kUnsupported);
}

TEST_F(RegistryTest, ADefinitionThatSaysOtherwiseEndsTheSwitch) {
  const std::int64_t made = must_put(Kind::kRules, "mine", rule()).entry.version;
  ASSERT_TRUE(registry_->turn(Kind::kRules, "mine", false, "ann"));
  json edited = rule();
  edited["for"] = "1m";
  const std::int64_t changed = must_put(Kind::kRules, "mine", edited, made).entry.version;
  EXPECT_TRUE(holds_.rules.at(1).paused);
  edited["paused"] = false;
  must_put(Kind::kRules, "mine", edited, changed);
  EXPECT_FALSE(holds_.rules.at(1).paused);
}

TEST_F(RegistryTest, TheFileWinsANameAndTheOtherWaits) {
  must_put(Kind::kRules, "late", rule());
  const std::string declares = std::string(kFile) +
                               "  - {name: late, queries: {C: 'SELECT mean(u) FROM gpu WHERE $timeFilter'}, "
                               "condition: 'avg(C, 1m) > 9'}\n";
  restart(declares);
  EXPECT_EQ(registry_->find(Kind::kRules, "late")->origin, Origin::kFile);
  EXPECT_EQ(holds_.rules.at(1).condition, "avg(C, 1m) > 9");
  restart();
  EXPECT_EQ(registry_->find(Kind::kRules, "late")->origin, Origin::kApi);
  EXPECT_EQ(holds_.rules.at(1).condition, "avg(C, 1m) > 70");
}

TEST_F(RegistryTest, WhatTheFileNoLongerHasStopsNothingElse) {
  must_put(Kind::kRules, "mine", rule({"grow"}));
  must_put(Kind::kSchedules, "night", {{"cron", "0 1 * * *"}, {"trigger", "out"}});
  restart("pools: [{name: gpu, min: 1, max: 3}]");
  EXPECT_THAT(rules(), ElementsAre("mine"));
  EXPECT_THAT(holds_.rules.at(0).notify, IsEmpty());
  EXPECT_TRUE(registry_->find(Kind::kSchedules, "night")->left_out);
  EXPECT_THAT(registry_->find(Kind::kSchedules, "night")->fault, HasSubstr("no trigger \"out\""));
}

TEST_F(RegistryTest, AChangeThatCanNotBeMadeToHoldIsTakenBack) {
  refuses_ = 1;
  EXPECT_THAT(fault(Kind::kPools, "extra", {{"min", 0}, {"max", 2}}), HasSubstr("no such provider"));
  EXPECT_EQ(holds_.pools.size(), 1U);
  EXPECT_FALSE(registry_->find(Kind::kPools, "extra"));
}

TEST_F(RegistryTest, APoolThatCanNotBeOpenedStopsNoRule) {
  must_put(Kind::kPools, "extra", {{"min", 0}, {"max", 2}});
  must_put(Kind::kRules, "mine", rule());
  refuses_ = 1;
  restart();
  EXPECT_THAT(rules(), ElementsAre("filed", "mine"));
  EXPECT_EQ(holds_.pools.size(), 1U);
  EXPECT_THAT(registry_->find(Kind::kPools, "extra")->fault, HasSubstr("no such provider"));
}

TEST_F(RegistryTest, EveryChangeIsInTheLedgerWithWhatChanged) {
  const std::int64_t made = must_put(Kind::kRules, "mine", rule()).entry.version;
  json edited = rule();
  edited["condition"] = "avg(C, 1m) > 80";
  must_put(Kind::kRules, "mine", edited, made);
  const auto entries = *ledger_->query({});
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1].kind, "config.changed");
  EXPECT_EQ(entries[1].summary, "ann changes rule mine: condition");
  EXPECT_THAT(entries[1].details["changed"]["condition"]["from"], HasSubstr("> 70"));
  EXPECT_THAT(entries[1].details["changed"]["condition"]["to"], HasSubstr("> 80"));
}

TEST_F(RegistryTest, AChannelCanBeTriedBeforeItIsMade) {
  const auto channel = registry_->channel_of("people", slack());
  ASSERT_TRUE(channel) << channel.error().message();
  EXPECT_EQ(channel->url, kHook);
  EXPECT_FALSE(registry_->find(Kind::kChannels, "people"));
  EXPECT_FALSE(registry_->channel_of("people", {{"type", "smoke"}}));
}

}  // namespace
}  // namespace gpuscale::declare
