// SPDX-License-Identifier: Apache-2.0
/// The engine with a state per series, silences, mute windows, facts and shared answers.
#include <gmock/gmock.h>

#include "alert/engine.h"
#include "alert/evaluate.h"
#include "alert/testing/fake_source.h"
#include "base/testing/manual_clock.h"

namespace gpuscale::alert {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

datasource::Series node_at(const std::string& node, double value) {
  return {"gpu.mean {node: " + node + "}", {{"node", node}}, {{{}, value}}};
}

class SeriesEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *db::Database::open("");
    ledger_ = *activity::Ledger::open(*database_);
    rule_.name = "hot";
    rule_.every = 5s;
    rule_.queries = {{"T", "SELECT max(t) FROM gpu WHERE $timeFilter GROUP BY node"}};
    rule_.condition = "last(T, 1m) > 80";
    rule_.per_series = true;
    rule_.notify = {"people"};
    reopen();
  }
  /// As a restart does: what is not on disk is gone.
  void reopen() {
    engine_.reset();
    EngineOptions options;
    options.facts = [this](const std::string&) { return facts_; };
    options.muted = [this](const std::string& rule, WallTime) {
      return rule == muted_rule_ ? std::optional<std::string>("schedule night") : std::nullopt;
    };
    engine_ = *Engine::open(
        *database_, *ledger_, source_, clock_, log::Log::silent(),
        [this](const Notification& told) -> Result<void> {
          const bool waits = told.channels.empty();
          told_.push_back((waits ? (told.held ? "held " : "free ") : "") +
                          std::string(to_string(told.state)) + labels_text(told.instance));
          last_ = told;
          return {};
        },
        std::move(options));
    ASSERT_TRUE(engine_->set_rules({rule_}));
  }
  void look(std::vector<datasource::Series> series) {
    source_.answer_series(std::move(series));
    clock_.advance(5s);
    engine_->tick(clock_.wall());
  }
  std::vector<std::string> told() { return std::exchange(told_, {}); }

  base::testing::ManualClock clock_;
  testing::FakeSource source_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  RuleSpec rule_;
  Facts facts_;
  std::string muted_rule_;
  std::vector<std::string> told_;
  Notification last_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(SeriesEngineTest, EachSeriesHasItsOwnEpisodes) {
  look({node_at("a", 90), node_at("b", 60)});
  EXPECT_THAT(told(), ElementsAre("firing{node=a}"));
  look({node_at("a", 90), node_at("b", 95)});
  EXPECT_THAT(told(), ElementsAre("firing{node=b}")) << "a second one is told, too";
  look({node_at("a", 60), node_at("b", 95)});
  EXPECT_THAT(told(), ElementsAre("inactive{node=a}"));
  const auto status = engine_->status().at(0);
  EXPECT_EQ(status.state, State::kFiring);
  EXPECT_EQ(status.instances.size(), 2U);
}

TEST_F(SeriesEngineTest, ASeriesThatVanishesResolvesNothingAndACalmOneIsForgotten) {
  look({node_at("a", 90), node_at("b", 60)});
  told();
  look({});
  EXPECT_THAT(told(), ElementsAre("held firing{node=a}")) << "what waits must not act blindly";
  look({node_at("c", 10)});
  EXPECT_THAT(told(), ElementsAre());
  const auto instances = engine_->status().at(0).instances;
  std::vector<std::string> names;
  for (const auto& each : instances) names.push_back(labels_text(each.labels));
  EXPECT_THAT(names, UnorderedElementsAre("{node=a}", "{node=c}"));
  look({node_at("a", 10), node_at("c", 10)});
  EXPECT_THAT(told(), ElementsAre("inactive{node=a}"));
}

TEST_F(SeriesEngineTest, StatesOfSeriesOutliveARestart) {
  look({node_at("a", 90), node_at("b", 60)});
  told();
  reopen();
  told();
  look({node_at("a", 90), node_at("b", 60)});
  EXPECT_THAT(told(), ElementsAre("free firing{node=a}")) << "it fires on, untold";
  rule_.per_series = false;
  reopen();
  EXPECT_THAT(told(), ElementsAre("free paused{node=a}")) << "a state that is no more is called off";
}

TEST_F(SeriesEngineTest, ASilenceCoversWhatItNamesUntilItExpires) {
  const auto silence = engine_->silence({"", "hot", {{"node", "a"}}, clock_.wall() + 12s, "admin", "known"});
  ASSERT_TRUE(silence) << silence.error().message();
  reopen();
  EXPECT_EQ(engine_->silences().size(), 1U) << "it outlives a restart";
  look({node_at("a", 90), node_at("b", 90)});
  EXPECT_THAT(told(), ElementsAre("firing{node=b}"));
  look({node_at("a", 90), node_at("b", 90)});
  EXPECT_THAT(told(), ElementsAre());
  look({node_at("a", 90), node_at("b", 90)});
  EXPECT_THAT(told(), ElementsAre("firing{node=a}")) << "what still holds is told then";
  EXPECT_TRUE(engine_->silences().empty());
  EXPECT_EQ(engine_->lift_silence(silence->id).error().code(), Errc::kNotFound);
  EXPECT_FALSE(engine_->silence({"", "hot", {}, clock_.wall(), "admin", ""}));
  EXPECT_EQ(engine_->silence({"", "hit", {}, clock_.wall() + 12s, "admin", ""}).error().message(),
            "no rule \"hit\"; known: hot");
  EXPECT_TRUE(engine_->silence({"", "", {}, clock_.wall() + 12s, "admin", "all rules"}));
}

TEST_F(SeriesEngineTest, AMuteWindowHoldsWhatWaitsAndTellsTheEnd) {
  look({node_at("a", 90)});
  told();
  muted_rule_ = "hot";
  look({node_at("a", 90)});
  EXPECT_THAT(told(), ElementsAre("held firing{node=a}"));
  EXPECT_EQ(engine_->status().at(0).muted_by, "schedule night");
  muted_rule_.clear();
  look({node_at("a", 90)});
  EXPECT_THAT(told(), ElementsAre("free firing{node=a}"));
  muted_rule_ = "hot";
  look({node_at("a", 10)});
  EXPECT_THAT(told(), ElementsAre("inactive{node=a}"));
}

TEST_F(SeriesEngineTest, LabelsAnnotationsAndWordsAreRenderedPerSeries) {
  rule_.labels = {{"severity", "page"}, {"where", "rack of {{ labels.node }}"}};
  rule_.annotations = {{"summary", "{{ labels.node }} has {{ value }} degrees"}};
  rule_.message = "{{ rule }} is {{ state }}";
  reopen();
  look({node_at("a", 91.5)});
  EXPECT_EQ(last_.labels.at("node"), "a");
  EXPECT_EQ(last_.labels.at("where"), "rack of a");
  EXPECT_EQ(last_.annotations.at("summary"), "a has 91.5 degrees");
  EXPECT_EQ(last_.message, "hot is firing");
  EXPECT_EQ(last_.starts_at, clock_.wall());
}

TEST_F(SeriesEngineTest, RulesThatAskTheSameAtTheSameMomentShareTheAnswer) {
  std::vector<RuleSpec> rules(50, rule_);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    rules[i].name = "r" + std::to_string(i);
    rules[i].condition = "last(T, 1m) > " + std::to_string(i);
  }
  ASSERT_TRUE(engine_->set_rules(rules));
  const std::size_t before = source_.asked().size();
  look({node_at("a", 25)});
  EXPECT_EQ(source_.asked().size() - before, 1U);
  EXPECT_EQ(told_.size(), 25U);
  look({node_at("a", 25)});
  EXPECT_EQ(source_.asked().size() - before, 2U) << "a later moment asks anew";
}

TEST_F(SeriesEngineTest, FactsOfThePoolCount) {
  rule_.per_series = false;
  rule_.pool = "gpu";
  rule_.condition = "sum(T, 1m) / ready_nodes > 40";
  facts_ = {{"ready_nodes", 2}};
  reopen();
  look({node_at("a", 90)});
  EXPECT_THAT(told(), ElementsAre("firing"));
  facts_ = {{"ready_nodes", 3}};
  look({node_at("a", 90)});
  EXPECT_THAT(told(), ElementsAre("inactive"));
}

TEST_F(SeriesEngineTest, BucketsBeginWithTheWindow) {
  rule_.queries = {{"T", "SELECT max(t) FROM gpu WHERE $timeFilter GROUP BY time(7s), node"}};
  reopen();
  look({node_at("a", 90)});
  const auto asked = source_.asked().back();
  EXPECT_EQ(asked.to - asked.from, Nanos{56s}) << "eight whole buckets of the minute";
  EXPECT_THAT(asked.text, ::testing::HasSubstr("time(7s, "));
}

TEST_F(SeriesEngineTest, AFiringSeriesThatIsNoMoreIsOverAfterItsTime) {
  rule_.gone_after = 20s;
  reopen();
  look({node_at("a", 90), node_at("b", 60)});
  EXPECT_THAT(told(), ElementsAre("firing{node=a}"));
  look({node_at("b", 60)});
  look({node_at("b", 60)});
  EXPECT_THAT(told(), ElementsAre("held firing{node=a}"));
  for (int i = 0; i < 3; ++i) look({node_at("b", 60)});
  EXPECT_THAT(told(), ElementsAre("inactive{node=a}"));
  EXPECT_THAT(last_.text, ::testing::HasSubstr("the series has been gone since"));
  look({node_at("b", 60)});
  EXPECT_EQ(engine_->status().at(0).instances.size(), 1U) << "and forgotten";
}

TEST_F(SeriesEngineTest, ASeriesThatComesBackInTimeGoesOnFiring) {
  rule_.gone_after = 20s;
  reopen();
  look({node_at("a", 90), node_at("b", 60)});
  for (int i = 0; i < 3; ++i) look({node_at("b", 60)});
  look({node_at("a", 90), node_at("b", 60)});
  for (int i = 0; i < 3; ++i) look({node_at("b", 60)});
  EXPECT_THAT(told(), ::testing::Not(::testing::Contains("inactive{node=a}")));
}

TEST_F(SeriesEngineTest, WhereNobodyIsSeenNoSeriesIsGone) {
  rule_.gone_after = 20s;
  reopen();
  look({node_at("a", 90), node_at("b", 60)});
  for (int i = 0; i < 10; ++i) look({});
  EXPECT_THAT(told(), ::testing::Not(::testing::Contains("inactive{node=a}")));
}

}  // namespace
}  // namespace gpuscale::alert
