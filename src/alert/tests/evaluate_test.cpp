// SPDX-License-Identifier: Apache-2.0
#include "alert/evaluate.h"

#include <gmock/gmock.h>

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

Evaluation look(const std::string& condition, const std::vector<Answer>& answers) {
  const auto parsed = parse_condition(condition);
  EXPECT_TRUE(parsed) << condition;
  return evaluate(*parsed, answers);
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

TEST(Evaluate, KeepsABoundedNumberOfValues) {
  std::vector<Series> many;
  for (std::size_t i = 0; i < kMaxValues + 50; ++i) many.push_back(series("s", {1}));
  EXPECT_EQ(look("last(A, 1m) > 0", {many}).values.size(), kMaxValues);
}

}  // namespace
}  // namespace gpuscale::alert
