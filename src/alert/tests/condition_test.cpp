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
      {"", "character 1: found the end, expected"},
      {"foo(C, 1m) > 1", "character 1: found \"foo\", expected \"(\" or one of avg, min"},
      {"avg C, 1m) > 1", "character 5: found \"C\", expected \"(\""},
      {"avg(, 1m) > 1", "character 5: found \",\", expected the name of a query"},
      {"avg(C) > 1", "character 6: found \")\", expected \",\""},
      {"avg(C, 1x) > 1", "character 8: found \"1x\", expected a window such as 1m"},
      {"avg(C, 0s) > 1", "the window must be longer than 0"},
      {"avg(C, 99999999999999h) > 1", "expected a window"},
      {"avg(C, 1m) 45", "expected one of >, >="},
      {"avg(C, 1m) > x", "character 14: found \"x\", expected a number"},
      {"avg(C, 1m) > 1e999", "expected a number"},
      {"avg(C, 1m) > 45 avg(C, 1m) > 45", "character 17: found \"avg\", expected \"and\", \"or\" or the end"},
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
  using Kind = Comparison::Kind;
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
        << test_text(each.test) << " with " << (each.value ? std::to_string(*each.value) : "no value");
  }
}

}  // namespace
}  // namespace gpuscale::alert
