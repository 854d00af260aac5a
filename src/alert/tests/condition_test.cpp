// SPDX-License-Identifier: Apache-2.0
#include "alert/condition.h"

#include <gmock/gmock.h>

namespace gpuscale::alert {
namespace {

TEST(Condition, IsReadAndPrintedInItsCanonicalForm) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"avg(C, 1m) > 45", "avg(C, 1m) > 45"},
      {"  AVG( C ,60s)>45.50 ", "avg(C, 1m) > 45.5"},
      {"max(Q,30s,5s)<=2", "max(Q, 30s, 5s) <= 2"},
      {"last(T,1m) >= -1.5e3", "last(T, 1m) >= -1500"},
      {"count(C, 1h30m) == 0", "count(C, 1h30m) == 0"},
      {"median(C, 1m) != 3", "median(C, 1m) != 3"},
      {"sum(C,1m) inside (80, 20)", "sum(C, 1m) inside (20, 80)"},
      {"first(C,1m) Outside(1,2)", "first(C, 1m) outside (1, 2)"},
      {"min(C, 1m) is absent", "min(C, 1m) is absent"},
      {"avg(A,1m) > 1 or avg(B,1m) > 2 and avg(C,1m) > 3",
       "avg(A, 1m) > 1 or (avg(B, 1m) > 2 and avg(C, 1m) > 3)"},
      {"(avg(A,1m) > 1 or avg(B,1m) > 2) and avg(C,1m) > 3",
       "(avg(A, 1m) > 1 or avg(B, 1m) > 2) and avg(C, 1m) > 3"},
      {"last(Q, 10s) / ready_nodes > 4", "(last(Q, 10s) / ready_nodes) > 4"},
      {"avg(A,1m) - avg(B,1m) - 1 > -2", "((avg(A, 1m) - avg(B, 1m)) - 1) > -2"},
      {"avg(A,1m) + 2 * avg(B,1m) above 3", "(avg(A, 1m) + (2 * avg(B, 1m))) > 3"},
      {"-avg(A,1m) below -(3 - 5)", "(-avg(A, 1m)) < (-(3 - 5))"},
      {"percentile(L, 99, 1m, 5s) > avg(L, 5m) * 2", "percentile(L, 99, 1m, 5s) > (avg(L, 5m) * 2)"},
      {"avg(C, 1m) within (desired_nodes, 80)", "avg(C, 1m) inside (desired_nodes, 80)"},
      {"not avg(C, 1m) has no value", "not (avg(C, 1m) is absent)"},
      {"NOT (count_non_null(C, 1m) > 1 and slope(C, 1m) > 0)",
       "not (count_non_null(C, 1m) > 1 and slope(C, 1m) > 0)"},
  };
  for (const auto& [text, canonical] : cases) {
    const auto condition = parse_condition(text);
    ASSERT_TRUE(condition) << text << ": " << condition.error().message();
    EXPECT_EQ(to_text(*condition), canonical) << text;
    const auto again = parse_condition(canonical);
    ASSERT_TRUE(again) << canonical;
    EXPECT_EQ(to_text(*again), canonical);
  }
}

TEST(Condition, AFaultIsNamedByItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "line 1, column 1: found the end, expected"},
      {"foo(C, 1m) > 1", "line 1, column 1: found \"foo\", expected one of avg, min"},
      {"avg C, 1m) > 1", "line 1, column 5: found \"C\", expected \"(\""},
      {"avg(, 1m) > 1", "line 1, column 5: found \",\", expected the name of a query"},
      {"avg(C) > 1", "line 1, column 6: found \")\", expected \",\""},
      {"avg(C, 1x) > 1", "line 1, column 8: found \"1x\", expected a window such as 1m"},
      {"avg(C, 0s) > 1", "the window must be longer than 0"},
      {"avg(C, 99999999999999h) > 1", "expected a window"},
      {"avg(C, 1m) 45", "expected one of >, >="},
      {"avg(C, 1m) > x", "line 1, column 14: found \"x\", expected one of avg, min"},
      {"avg(C, 1m) > 1e999", "expected a number"},
      {"avg(C, 1m)", "line 1, column 11: found the end, expected one of >, >="},
      {"avg(C, 1m) > 45 and\n  avg(C, 1m)",
       "line 2, column 3: \"and\" takes conditions, and this is a number"},
      {"(avg(C, 1m) > 45) + 1 > 2", "line 1, column 1: \"+\" takes numbers, and this is a condition"},
      {"avg(C, 1m) > (avg(C, 1m) > 1)", "line 1, column 14: \">\" takes numbers"},
      {"not avg(C, 1m) and avg(C, 1m) > 1", "line 1, column 5: \"not\" takes conditions"},
      {"avg(C, 1m) / 0 > 1", "line 1, column 14: division by zero"},
      {"percentile(C, 101, 1m) > 1", "line 1, column 15: a percentile is from 0 to 100"},
      {"percentile(C, 1m) > 1", "expected a percentile such as 99"},
      {"avg(C, 1m) > nodes", "a fact of the pool: ready_nodes"},
      {"avg(C, 1m) > 45 avg(C, 1m) > 45",
       "line 1, column 17: found \"avg\", expected \"and\", \"or\" or the end"},
      {"avg(C, 1m) inside (1", "found the end, expected \",\""},
      {"avg(C, 1m) is gone", "expected \"absent\""},
      {"(avg(C, 1m) > 1", "found the end, expected \")\""},
      {std::string(kMaxConditionDepth + 1, '('), "no deeper brackets"},
      {std::string(5'000, ' ') + "avg(C, 1m) > 1", "is longer than 4096 characters"},
  };
  for (const auto& [text, message] : cases) {
    const auto condition = parse_condition(text);
    ASSERT_FALSE(condition) << text;
    EXPECT_EQ(condition.error().code(), Errc::kInvalidArgument);
    EXPECT_THAT(condition.error().message(), ::testing::HasSubstr(message)) << text;
  }
}

TEST(Comparison, BoundsAreStrictAndNoValuePassesAbsenceAlone) {
  using Kind = Relation;
  struct Case {
    Comparison test;
    std::optional<double> value;
    bool expected;
  };
  const std::vector<Case> cases = {
      {{Kind::kAbove, 45, 0}, 45.001, true},
      {{Kind::kAbove, 45, 0}, 45, false},
      {{Kind::kAtLeast, 45, 0}, 45, true},
      {{Kind::kAtLeast, 45, 0}, 44.9, false},
      {{Kind::kBelow, 28, 0}, 27.9, true},
      {{Kind::kBelow, 28, 0}, 28, false},
      {{Kind::kAtMost, 28, 0}, 28, true},
      {{Kind::kAtMost, 28, 0}, 28.1, false},
      {{Kind::kEqual, 0, 0}, 0, true},
      {{Kind::kEqual, 0, 0}, 1, false},
      {{Kind::kNotEqual, 0, 0}, 1, true},
      {{Kind::kNotEqual, 0, 0}, 0, false},
      {{Kind::kInside, 20, 80}, 50, true},
      {{Kind::kInside, 20, 80}, 20, false},
      {{Kind::kInside, 20, 80}, 80, false},
      {{Kind::kInside, 80, 20}, 50, true},
      {{Kind::kOutside, 80, 20}, 50, false},
      {{Kind::kOutside, 20, 80}, 19.9, true},
      {{Kind::kOutside, 20, 80}, 20, false},
      {{Kind::kOutside, 20, 80}, 80.1, true},
      {{Kind::kAbsent, 0, 0}, 0, false},
      {{Kind::kAbsent, 0, 0}, std::nullopt, true},
      {{Kind::kBelow, 28, 0}, std::nullopt, false},
      {{Kind::kNotEqual, 0, 0}, std::nullopt, false},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(passes(each.test, each.value), each.expected)
        << static_cast<int>(each.test.relation) << " " << each.test.low << " with "
        << (each.value ? std::to_string(*each.value) : "no value");
  }
}

}  // namespace
}  // namespace gpuscale::alert
