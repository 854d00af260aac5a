// SPDX-License-Identifier: Apache-2.0
#include "alert/evaluate.h"

#include <gmock/gmock.h>

#include <cmath>

namespace gpuscale::alert {
namespace {

using datasource::Sample;
using datasource::Series;
using ::testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000'000;

Series series(std::string name, const std::vector<std::optional<double>>& values) {
  Series out{std::move(name), {}, {}};
  std::int64_t at = 0;
  for (const auto& value : values) out.samples.push_back({base::from_unix_nanos(at += kSecond), value});
  return out;
}

Evaluation look(const std::string& condition, const std::vector<Answer>& answers, const Facts& facts = {},
                Granularity granularity = Granularity::kWhole) {
  const auto parsed = parse_condition(condition);
  EXPECT_TRUE(parsed) << condition;
  return evaluate(*parsed, answers, facts, granularity);
}

Series of_node(const std::string& node, double value) {
  Series out = series("gpu.mean {node: " + node + "}", {value});
  out.tags = {{"node", node}};
  return out;
}

TEST(Reduce, LeavesEmptyBucketsOutExceptWhenItCounts) {
  const auto mixed = series("s", {std::nullopt, 5, std::nullopt, 7, 1}).samples;
  const auto empty = series("s", {std::nullopt, std::nullopt}).samples;
  EXPECT_DOUBLE_EQ(*reduce(Reducer::kAvg, mixed), 13.0 / 3);
  EXPECT_EQ(reduce(Reducer::kMin, mixed), 1);
  EXPECT_EQ(reduce(Reducer::kMax, mixed), 7);
  EXPECT_EQ(reduce(Reducer::kSum, mixed), 13);
  EXPECT_EQ(reduce(Reducer::kFirst, mixed), 5);
  EXPECT_EQ(reduce(Reducer::kLast, mixed), 1);
  EXPECT_EQ(reduce(Reducer::kMedian, mixed), 5);
  EXPECT_EQ(reduce(Reducer::kCount, mixed), 5);
  EXPECT_EQ(reduce(Reducer::kCount, empty), 2);
  EXPECT_EQ(reduce(Reducer::kMedian, series("s", {1, 2}).samples), 1.5);
  for (const Reducer each : {Reducer::kAvg, Reducer::kMin, Reducer::kMax, Reducer::kSum, Reducer::kFirst,
                             Reducer::kLast, Reducer::kMedian}) {
    EXPECT_EQ(reduce(each, empty), std::nullopt) << to_string(each);
    EXPECT_EQ(reduce(each, {}), std::nullopt) << to_string(each);
  }
  EXPECT_EQ(reduce(Reducer::kCount, {}), std::nullopt);
}

TEST(Evaluate, IsTrueWhereAnySeriesPassesAndSaysWhich) {
  const auto seen =
      look("avg(C, 1m) > 45",
           {std::vector{series("gpu.mean {node: a}", {10}), series("gpu.mean {node: b}", {80, 100})}});
  EXPECT_EQ(seen.outcome, Outcome::kTrue);
  EXPECT_EQ(seen.explanation, "avg(C, 1m) = 90 > 45 (gpu.mean {node: b})");
  EXPECT_EQ(seen.newest_sample, base::from_unix_nanos(2 * kSecond));
  ASSERT_EQ(seen.values.size(), 2U);
  EXPECT_EQ(seen.values[0]["matched"], false);
  EXPECT_EQ(seen.values[1]["value"], 90);
}

TEST(Evaluate, IsFalseWithTheValueThatDidNotPass) {
  const auto seen = look("avg(C, 1m) > 45", {std::vector{series("gpu.mean", {30})}});
  EXPECT_EQ(seen.outcome, Outcome::kFalse);
  EXPECT_EQ(seen.explanation, "avg(C, 1m) = 30, not > 45");
}

TEST(Evaluate, AbsenceIsNeitherZeroNorFalse) {
  for (const auto& nothing : {std::vector<Series>{}, std::vector{series("gpu.mean", {std::nullopt})}}) {
    for (const char* condition : {"avg(C, 1m) < 28", "avg(C, 1m) > 45", "last(C, 1m) == 0"}) {
      const auto seen = look(condition, {nothing});
      EXPECT_EQ(seen.outcome, Outcome::kAbsent) << condition;
      EXPECT_THAT(seen.explanation, HasSubstr("no data"));
      EXPECT_EQ(seen.newest_sample, std::nullopt);
    }
    EXPECT_EQ(look("avg(C, 1m) is absent", {nothing}).outcome, Outcome::kTrue);
  }
  EXPECT_EQ(look("avg(C, 1m) is absent", {std::vector{series("s", {1})}}).outcome, Outcome::kFalse);
}

TEST(Evaluate, JoinsByKleenesLogic) {
  const Answer yes = std::vector{series("s", {1})};
  const Answer no = std::vector{series("s", {0})};
  const Answer absent = std::vector<Series>{};
  struct Case {
    const char* word;
    Answer left;
    Answer right;
    Outcome expected;
  };
  const std::vector<Case> cases = {
      {"and", yes, yes, Outcome::kTrue},      {"and", yes, no, Outcome::kFalse},
      {"and", no, yes, Outcome::kFalse},      {"and", absent, yes, Outcome::kAbsent},
      {"and", yes, absent, Outcome::kAbsent}, {"and", absent, no, Outcome::kFalse},
      {"and", no, absent, Outcome::kFalse},   {"and", absent, absent, Outcome::kAbsent},
      {"or", no, no, Outcome::kFalse},        {"or", yes, no, Outcome::kTrue},
      {"or", no, yes, Outcome::kTrue},        {"or", absent, yes, Outcome::kTrue},
      {"or", yes, absent, Outcome::kTrue},    {"or", absent, no, Outcome::kAbsent},
      {"or", no, absent, Outcome::kAbsent},   {"or", absent, absent, Outcome::kAbsent},
  };
  for (const Case& each : cases) {
    const auto seen =
        look(std::string("last(A, 1m) > 0 ") + each.word + " last(B, 1m) > 0", {each.left, each.right});
    EXPECT_EQ(seen.outcome, each.expected) << each.word << ": " << seen.explanation;
  }
}

TEST(Evaluate, OneFailedQueryFailsTheWhole) {
  const Answer broken = fail(Errc::kUnavailable, "store is closed");
  const Answer yes = std::vector{series("s", {1})};
  for (const char* word : {"and", "or"}) {
    const std::string condition = std::string("last(A, 1m) > 0 ") + word + " last(B, 1m) > 0";
    const auto seen = look(condition, {yes, broken});
    EXPECT_EQ(seen.outcome, Outcome::kError) << word;
    EXPECT_EQ(seen.error, "query B: store is closed");
  }
}

TEST(Reduce, KnowsHowValuesMove) {
  const auto rising = series("s", {2, std::nullopt, 6, 8}).samples;
  EXPECT_EQ(reduce(Reducer::kDiff, rising), 6);
  EXPECT_EQ(reduce(Reducer::kPercentDiff, rising), 300);
  EXPECT_EQ(reduce(Reducer::kPercentDiff, series("s", {0, 6}).samples), std::nullopt) << "no percent of 0";
  EXPECT_EQ(reduce(Reducer::kCountNonNull, rising), 3);
  EXPECT_EQ(reduce(Reducer::kSlope, rising), 2) << "per second";
  EXPECT_EQ(reduce(Reducer::kSlope, series("s", {1}).samples), std::nullopt);
  EXPECT_EQ(reduce(Reducer::kStddev, series("s", {2, 4, 4, 4, 5, 5, 7, 9}).samples), std::sqrt(32.0 / 7));
  EXPECT_EQ(reduce(Reducer::kStddev, series("s", {1}).samples), std::nullopt);
  const auto ten = series("s", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}).samples;
  EXPECT_DOUBLE_EQ(*reduce(Reducer::kPercentile, ten, 50), 5.5);
  EXPECT_DOUBLE_EQ(*reduce(Reducer::kPercentile, ten, 90), 9.1);
  EXPECT_EQ(reduce(Reducer::kPercentile, ten, 100), 10);
  EXPECT_EQ(reduce(Reducer::kPercentile, ten, 0), 1);
}

TEST(Evaluate, CalculatesWithFactsOfThePool) {
  const Answer queue = std::vector{series("inference.last", {12})};
  const auto seen = look("last(Q, 10s) / ready_nodes > 4", {queue}, {{"ready_nodes", 2}});
  EXPECT_EQ(seen.outcome, Outcome::kTrue);
  EXPECT_EQ(seen.explanation, "last(Q, 10s) / ready_nodes = 6 > 4");
  EXPECT_EQ(look("last(Q, 10s) / ready_nodes > 4", {queue}, {{"ready_nodes", 3}}).outcome, Outcome::kFalse);
  EXPECT_EQ(look("last(Q, 10s) > 5 * ready_nodes", {queue}, {{"ready_nodes", 2}}).outcome, Outcome::kTrue);
}

TEST(Evaluate, DividingByZeroAndUnknownFactsHaveNoValue) {
  const Answer queue = std::vector{series("inference.last", {12})};
  for (const char* condition : {"last(Q, 10s) / ready_nodes > 4", "last(Q, 10s) / ready_nodes < 4"}) {
    EXPECT_EQ(look(condition, {queue}, {{"ready_nodes", 0}}).outcome, Outcome::kAbsent) << condition;
    EXPECT_EQ(look(condition, {queue}).outcome, Outcome::kAbsent) << condition;
  }
  EXPECT_EQ(look("last(Q, 10s) > ready_nodes", {queue}).outcome, Outcome::kAbsent);
}

TEST(Evaluate, SeriesOfTwoQueriesMeetByTheirTags) {
  const Answer power = std::vector{of_node("a", 300), of_node("b", 100)};
  const Answer limit = std::vector{of_node("b", 400), of_node("a", 310)};
  const auto seen = look("last(P, 10s) / last(L, 10s) > 0.9", {power, limit});
  EXPECT_EQ(seen.outcome, Outcome::kTrue);
  EXPECT_THAT(seen.explanation, HasSubstr("(gpu.mean {node: a})"));
  const Answer twins = std::vector{of_node("a", 1), of_node("a", 2)};
  EXPECT_THAT(look("last(P, 10s) / last(L, 10s) > 0.9", {power, twins}).error,
              HasSubstr("the same tags {node=a}"));
}

TEST(Evaluate, PerSeriesEachHasItsOwnAnswer) {
  const Answer load = std::vector{of_node("a", 90), of_node("b", 10)};
  const Answer heat = std::vector{of_node("a", 60), of_node("c", 95)};
  const auto seen = look("last(U, 10s) > 45 or last(T, 10s) > 80", {load, heat}, {}, Granularity::kPerSeries);
  ASSERT_EQ(seen.instances.size(), 3U);
  EXPECT_EQ(labels_text(seen.instances[0].labels), "{node=a}");
  EXPECT_EQ(seen.instances[0].outcome, Outcome::kTrue);
  EXPECT_EQ(seen.instances[0].value, 90);
  EXPECT_EQ(seen.instances[1].outcome, Outcome::kAbsent) << "b is calm by one and unknown by the other";
  EXPECT_EQ(seen.instances[2].outcome, Outcome::kTrue) << "c is hot";
  const Answer twins = std::vector{of_node("a", 1), of_node("a", 2)};
  EXPECT_EQ(look("last(U, 10s) > 45", {twins}, {}, Granularity::kPerSeries).outcome, Outcome::kError);
}

TEST(Evaluate, NotOfTheUnknownIsUnknown) {
  const Answer yes = std::vector{series("s", {1})};
  EXPECT_EQ(look("not last(A, 1m) > 0", {yes}).outcome, Outcome::kFalse);
  EXPECT_EQ(look("not last(A, 1m) > 1", {yes}).outcome, Outcome::kTrue);
  EXPECT_EQ(look("not last(A, 1m) > 1", {std::vector<Series>{}}).outcome, Outcome::kAbsent);
}

TEST(Evaluate, KeepsABoundedNumberOfValues) {
  std::vector<Series> many;
  for (std::size_t i = 0; i < kMaxValues + 50; ++i) many.push_back(series("s", {1}));
  EXPECT_EQ(look("last(A, 1m) > 0", {many}).values.size(), kMaxValues);
}

}  // namespace
}  // namespace gpuscale::alert
