// SPDX-License-Identifier: Apache-2.0
#include "cli/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/tests/whole_episode.h"

namespace gpuscale::cli {
namespace {

using namespace std::chrono_literals;
using activity::Entry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Timeline, SplitsTheReactionByHop) {
  const EpisodeInput input = whole();
  const Timeline result = timeline(input.entries, at(20));
  std::vector<std::string> names;
  for (const Hop& hop : result.hops) names.push_back(hop.name);
  EXPECT_THAT(names, ElementsAre("load step", "newest sample", "stored", "rule fired", "trigger accepted",
                                 "webhook sent", "node launching", "node ready", "average under the line"));
  EXPECT_EQ(result.correlation, "c-out");
  EXPECT_EQ(result.between(kHopLoadStep, kHopAccepted), Nanos{3200ms});
  EXPECT_EQ(result.at(kHopSample), at(22.5));
  EXPECT_EQ(result.at(kHopUnder), at(40));
  const auto json = to_json(result);
  EXPECT_DOUBLE_EQ(json["hops"][4]["since_start_ms"].get<double>(), 3200);
  EXPECT_NEAR(json["hops"][4]["since_previous_ms"].get<double>(), 200, 1e-3);
  EXPECT_THAT(to_text(result), HasSubstr("+3.200 s"));
}

TEST(Timeline, TakesNoEarlierEpisodeAndNoScaleInForIt) {
  EpisodeInput input = whole();
  input.entries.insert(input.entries.begin(), entry(1, "rule.firing", "GPU usage high", "c-old"));
  EXPECT_EQ(timeline(input.entries, at(20)).at(kHopRuleFired), at(23));
  const Timeline late = timeline(input.entries, at(60));
  EXPECT_EQ(late.at(kHopRuleFired), std::nullopt);
  EXPECT_EQ(late.at(kHopAccepted), std::nullopt);
  EXPECT_EQ(late.hops.size(), 9U);
}

TEST(Timeline, FollowsAForeignWebhookThatHandsNoCorrelationOn) {
  EpisodeInput input = whole();
  for (Entry& e : input.entries) {
    if (e.kind == "trigger.accepted" || e.kind.starts_with("node.")) e.correlation = "c-else";
  }
  EXPECT_EQ(timeline(input.entries, at(20)).between(kHopLoadStep, kHopAccepted), Nanos{3200ms});
}

TEST(ParseActivity, ReadsTheServersEntriesInOrderOfTime) {
  const auto entries = parse_activity(nlohmann::json::parse(R"({"activity":[
      {"id":2,"at":"2026-11-24T02:00:01Z","kind":"node.ready","pool":"gpu","subject":"n","correlation":"c","summary":"s"},
      {"id":1,"at":"2026-11-24T02:00:00.5Z","kind":"rule.firing","details":{"a":1}}]})"));
  ASSERT_TRUE(entries);
  EXPECT_EQ((*entries)[0].kind, "rule.firing");
  EXPECT_EQ((*entries)[0].details["a"], 1);
  EXPECT_EQ((*entries)[1].subject, "n");
  for (const char* bad : {"{}", "[]", "{\"activity\":[1]}", "{\"activity\":[{\"at\":\"noon\"}]}"}) {
    EXPECT_EQ(parse_activity(nlohmann::json::parse(bad)).has_value(), false) << bad;
  }
}

TEST(DirectionOf, ReadsTypeOrSizes) {
  EXPECT_EQ(direction_of(entry(0, "k", "s", "c", {{"type", "scale_in"}})), "scale_in");
  EXPECT_EQ(direction_of(entry(0, "k", "s", "c", {{"from", 2}, {"to", 3}})), "scale_out");
  EXPECT_EQ(direction_of(entry(0, "k", "s", "c", {{"from", 2}, {"to", 2}})), "");
  EXPECT_EQ(direction_of(entry(0, "k", "s", "c", nullptr)), "");
}

}  // namespace
}  // namespace gpuscale::cli
