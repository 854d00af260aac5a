// SPDX-License-Identifier: Apache-2.0
#include "cli/rule_trial.h"

#include <gmock/gmock.h>

#include <fstream>

namespace gpuscale::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

alert::RuleSpec high() {
  alert::RuleSpec rule;
  rule.name = "high";
  rule.every = 5s;
  rule.repeat = 30s;
  rule.queries = {{"C", "SELECT mean(u) FROM gpu WHERE $timeFilter GROUP BY time(10s)"}};
  rule.condition = "avg(C, 30s) > 45";
  return rule;
}

config::RuleTest rising() {
  config::RuleTest test;
  test.name = "rising";
  test.samples = {{"gpu,node=a", "u", *config::parse_track("20x12 90x12 _x60")}};
  return test;
}

TEST(RuleTrial, AGoodTestPassesOverTheRealQueryAndEngine) {
  auto test = rising();
  test.expect = {{1, 55s, "high", "inactive", 0},
                 {2, 100s, "high", "firing", std::nullopt},
                 {3, 4min, "high", "firing", 3}};
  const auto wrong = run_rule_test({high()}, test);
  ASSERT_TRUE(wrong) << wrong.error().message();
  EXPECT_THAT(*wrong, IsEmpty()) << "no data keeps the state, and repeats nothing";
}

TEST(RuleTrial, WhatComesOtherwiseIsNamed) {
  auto test = rising();
  test.expect = {{7, 55s, "high", "firing", 1}, {8, 1min, "low", "firing", std::nullopt}};
  const auto wrong = run_rule_test({high()}, test);
  ASSERT_TRUE(wrong) << wrong.error().message();
  ASSERT_EQ(wrong->size(), 3U);
  EXPECT_THAT(wrong->at(0),
              HasSubstr("line 7: at 55s rule \"high\" is inactive, expected firing (avg(C, 30s) = 20"));
  EXPECT_THAT(wrong->at(1), HasSubstr("has told 0 times that it fires, expected 1"));
  EXPECT_THAT(wrong->at(2), HasSubstr("rule \"low\" does not exist"));
}

/// High from second 100 to second 200 after the beginning.
class WaveSource final : public datasource::DataSource {
 public:
  explicit WaveSource(WallTime begin) : begin_(begin) {}
  Result<std::vector<datasource::Series>> query(const datasource::Query& query) override {
    const Nanos at = query.to - begin_;
    if (at > 300s) return std::vector<datasource::Series>{};
    const double value = at >= 100s && at < 200s ? 90 : 10;
    return std::vector<datasource::Series>{{"gpu.mean", {}, {{query.to - 1s, value}}}};
  }

 private:
  WallTime begin_;
};

TEST(Backtest, FindsTheEpisodesOfHistory) {
  const WallTime begin = base::from_unix_nanos(1'790'000'000'000'000'000);
  WaveSource source(begin);
  const auto seen = backtest(high(), source, begin, begin + 400s, {}, [](WallTime) { return true; });
  ASSERT_TRUE(seen) << seen.error().message();
  ASSERT_EQ(seen->episodes.size(), 1U);
  EXPECT_EQ(seen->episodes[0].from, begin + 100s);
  EXPECT_EQ(seen->episodes[0].to, begin + 200s);
  EXPECT_EQ(seen->episodes[0].told, 4U);
  EXPECT_EQ(seen->looks, 81U);
  EXPECT_EQ(seen->blind, 20U);
  const auto cut =
      backtest(high(), source, begin, begin + 400s, {}, [&](WallTime at) { return at < begin + 50s; });
  EXPECT_EQ(cut->looks, 10U);
}

TEST(RuleTrial, MessagesAreComparedWordByWordWhereTheyAreWritten) {
  alert::RuleSpec rule = high();
  rule.message = "look at {{ rule }}";
  rule.labels = {{"severity", "page"}};
  auto test = rising();
  config::ExpectedMessage fires;
  fires.state = "firing";
  fires.title = "[Alerting] high";
  fires.message = "look at high";
  fires.labels = {{"severity", "page"}};
  test.expect = {{1, 55s, "high", "", std::nullopt, std::vector<config::ExpectedMessage>{}},
                 {2, 80s, "high", "", std::nullopt, std::vector{fires}}};
  const auto right = run_rule_test({rule}, test);
  ASSERT_TRUE(right) << right.error().message();
  EXPECT_THAT(*right, IsEmpty());
  test.expect[1].messages->at(0).message = "look elsewhere";
  test.expect[1].messages->at(0).labels = {{"severity", "note"}, {"team", "gpu"}};
  const auto wrong = run_rule_test({rule}, test);
  ASSERT_TRUE(wrong) << wrong.error().message();
  EXPECT_THAT(*wrong,
              ElementsAre(HasSubstr("message 1: message is \"look at high\", expected \"look elsewhere\""),
                          HasSubstr("labels.severity is \"page\", expected \"note\""),
                          HasSubstr("labels.team is not there")));
  test.expect[0].at = 80s;
  EXPECT_THAT(run_rule_test({rule}, test)->at(0),
              HasSubstr("has told 1 messages ([Alerting] high), expected 0"));
}

}  // namespace
}  // namespace gpuscale::cli
