// SPDX-License-Identifier: Apache-2.0
#include "cli/declared_commands.h"

#include <gmock/gmock.h>

namespace gpuscale::cli {
namespace {

using config::Kind;
using ::testing::HasSubstr;

TEST(DeclaredCommands, WhatGetShowsIsWhatApplyReads) {
  const nlohmann::json rule = {
      {"name", "GPU: high"},
      {"every", "5s"},
      {"queries", {{"C", "SELECT mean(\"u\") FROM gpu WHERE $timeFilter"}}},
      {"condition", "avg(C, 1m) > 45"},
      {"per_series", true},
      {"message", "line one\nline two: \"x\" # y"},
      {"labels", {{"level", "1"}, {"on", "true"}, {"none", "null"}, {"empty", ""}, {"n", "机房"}}},
      {"notify", {"a", "-"}},
      {"bearer", {{"secret", "set"}}},
      {"number", 1.5}};
  const std::string yaml = config::yaml_of({{"rules", {rule}}});
  const auto entries = entries_to_apply(Kind::kRules, yaml);
  ASSERT_TRUE(entries) << entries.error().message() << "\n" << yaml;
  ASSERT_EQ(entries->size(), 1U);
  EXPECT_EQ(entries->at(0).first, "GPU: high");
  EXPECT_EQ(entries->at(0).second, rule) << yaml;
}

TEST(DeclaredCommands, AFileWithoutTheKindSaysHowToWriteIt) {
  const auto none = entries_to_apply(Kind::kTriggers, "rules: [{name: a}]");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("holds no triggers"));
  EXPECT_FALSE(entries_to_apply(Kind::kRules, "rules: [{"));
}

}  // namespace
}  // namespace gpuscale::cli
