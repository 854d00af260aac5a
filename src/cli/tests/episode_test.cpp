// SPDX-License-Identifier: Apache-2.0
#include "cli/episode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/rfc3339.h"

namespace gpuscale::cli {
namespace {

using namespace std::chrono_literals;
using activity::Entry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const WallTime kStart = base::from_unix_nanos(1'700'000'000'000'000'000);

WallTime at(double seconds) {
  return kStart + std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(seconds));
}

Entry entry(double seconds, std::string kind, std::string subject, std::string correlation,
            nlohmann::json details = nlohmann::json::object()) {
  Entry e;
  e.at = at(seconds);
  e.kind = std::move(kind);
  e.subject = std::move(subject);
  e.correlation = std::move(correlation);
  e.details = std::move(details);
  return e;
}

nlohmann::json change(const char* type, int from, int to) {
  return {{"type", type}, {"from", from}, {"to", to}};
}

/// A whole episode: load rises at 20 s, falls at 80 s.
EpisodeInput whole() {
  EpisodeInput input;
  input.load_step_at = at(20);
  input.load_fall_at = at(80);
  const std::string newest = base::format_rfc3339(at(22.5));
  const std::string stored = base::format_rfc3339(at(22.6));
  input.entries = {
      entry(5, "rule.firing", "GPU usage low", "c-low"),
      entry(5.1, "message.sent", "scale_in", "c-low"),
      entry(23, "rule.firing", "GPU usage high", "c-out", {{"newest_sample", newest}, {"stored_at", stored}}),
      entry(23.2, "trigger.accepted", "gpu-out", "c-out", change("scale_out", 2, 3)),
      entry(23.2, "pool.desired", "gpu", "c-out", change("scale_out", 2, 3)),
      entry(23.3, "message.sent", "scale_out", "c-out"),
      entry(23.4, "node.launching", "gpu-3", "c-out"),
      entry(23.6, "node.booting", "gpu-3", "c-out"),
      entry(25, "node.ready", "gpu-3", "c-out"),
      entry(40, "rule.ok", "GPU usage high", "c-out"),
      entry(95, "rule.firing", "GPU usage low", "c-in"),
      entry(95.1, "trigger.accepted", "gpu-in", "c-in", change("scale_in", 3, 2)),
      entry(95.2, "message.sent", "scale_in", "c-in"),
      entry(95.3, "node.draining", "gpu-2", "c-in"),
      entry(95.5, "node.drained", "gpu-2", "c-in", {{"in_flight", 0}}),
      entry(95.9, "node.gone", "gpu-2", "c-in"),
  };
  for (int s = 0; s <= 110; ++s) {
    Observation o;
    o.at = at(s);
    o.ready = s >= 25 && s < 96 ? 3 : 2;
    o.desired = s >= 24 && s < 96 ? 3 : 2;
    o.average = s < 22 ? 20.0 : s < 35 ? 80.0 : s < 80 ? 40.0 : 10.0;
    input.observations.push_back(o);
  }
  load::Report report;
  report.offered = 1000;
  report.served = 1000;
  input.load = report;
  return input;
}

void drop(EpisodeInput& input, std::string_view kind, double from = 0) {
  std::erase_if(input.entries, [&](const Entry& e) { return e.kind == kind && e.at >= at(from); });
}

TEST(Episode, HappensWhereEveryStepIsThere) {
  const Episode episode = judge_episode(whole());
  EXPECT_THAT(episode.missing(), IsEmpty());
  EXPECT_TRUE(episode.happened());
  EXPECT_EQ(episode.steps.size(), 16U);
  const std::string text = to_text(episode);
  EXPECT_THAT(text, HasSubstr("The episode happened"));
  EXPECT_THAT(text, HasSubstr("trigger accepted"));
  EXPECT_TRUE(to_json(episode)["happened"].get<bool>());
}

TEST(Episode, NamesEveryMissingStep) {
  struct {
    std::function<void(EpisodeInput&)> spoil;
    std::vector<std::string> missing;
  } const cases[] = {
      {[](EpisodeInput& i) {
         for (auto& o : i.observations) o.ready = o.at < at(20) ? 1 : o.ready;
       },
       {"2 nodes at low load"}},
      {[](EpisodeInput& i) {
         for (auto& o : i.observations) o.average = o.at < at(20) ? std::nullopt : o.average;
       },
       {"2 nodes at low load"}},
      {[](EpisodeInput& i) {
         for (auto& o : i.observations) o.average = std::min(*o.average, 44.0);
       },
       {"average over 45.0 %"}},
      {[](EpisodeInput& i) { drop(i, "rule.firing", 20); }, {"rule fired"}},
      {[](EpisodeInput& i) { drop(i, "message.sent", 20); }, {"message sent"}},
      {[](EpisodeInput& i) {
         std::erase_if(i.entries, [](const Entry& e) { return direction_of(e) == "scale_out"; });
       },
       {"trigger accepted"}},
      {[](EpisodeInput& i) {
         for (auto& o : i.observations) o.ready = 2;
       },
       {"3 or more nodes ready"}},
      {[](EpisodeInput& i) {
         for (auto& o : i.observations) o.average = o.at > at(20) ? 80.0 : 20.0;
       },
       {"average under 45.0 % again"}},
      {[](EpisodeInput& i) {
         std::erase_if(i.entries, [](const Entry& e) { return direction_of(e) == "scale_in"; });
       },
       {"scale-in accepted"}},
      {[](EpisodeInput& i) { drop(i, "node.drained"); }, {"node drained"}},
      {[](EpisodeInput& i) {
         for (auto& e : i.entries) {
           if (e.kind == "node.drained") e.details["in_flight"] = 2;
         }
       },
       {"node drained"}},
      {[](EpisodeInput& i) { drop(i, "node.gone"); }, {"node gone"}},
      {[](EpisodeInput& i) { drop(i, "node.draining"); }, {"node draining", "node drained", "node gone"}},
      {[](EpisodeInput& i) {
         for (auto& o : i.observations) o.desired = 3;
       },
       {"back to 2 nodes"}},
      {[](EpisodeInput& i) {
         i.load->lost = i.load->lost_to_drain = 1;
         i.load->lost_by_reason["reset"] = 1;
       },
       {"no request lost to a scale-in", "no request lost"}},
      {[](EpisodeInput& i) { i.load->lost = 1; }, {"no request lost"}},
      {[](EpisodeInput& i) { i.load->offered = 0; }, {"no request lost"}},
      {[](EpisodeInput& i) { i.load.reset(); }, {"no request lost to a scale-in", "no request lost"}},
  };
  int number = 0;
  for (const auto& c : cases) {
    EpisodeInput input = whole();
    c.spoil(input);
    const Episode episode = judge_episode(input);
    EXPECT_EQ(episode.missing(), c.missing) << "case " << number;
    EXPECT_THAT(to_text(episode), HasSubstr("NOT happen")) << "case " << number;
    ++number;
  }
}

TEST(Episode, OfAnEmptyRunMissesEverything) {
  const Episode episode = judge_episode({});
  EXPECT_EQ(episode.missing().size(), episode.steps.size());
  EXPECT_THAT(to_text(episode), HasSubstr("load rises"));
  EXPECT_TRUE(to_json(episode)["reaction"]["hops"][0]["at"].is_null());
}

TEST(Episode, DoesNotCountANodeThatWasTakenBackWhileItDrained) {
  EpisodeInput input = whole();
  input.entries.push_back(entry(97, "node.draining", "gpu-1", "c-in"));
  EXPECT_FALSE(judge_episode(input).happened());
  input.entries.push_back(entry(98, "node.undrained", "gpu-1", "c-again"));
  EXPECT_TRUE(judge_episode(input).happened());
}

TEST(Episode, WantsEveryNodeOfTheScaleInDrained) {
  EpisodeInput input = whole();
  input.entries.push_back(entry(97, "node.draining", "gpu-1", "c-in"));
  input.entries.push_back(entry(97.5, "node.gone", "gpu-1", "c-in"));
  EXPECT_THAT(judge_episode(input).missing(), ElementsAre("node drained"));
}

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

TEST(Observe, AveragesTheReadyNodesThatTell) {
  const auto nodes = nlohmann::json::parse(R"({"nodes":[
      {"state":"ready","utilization":10},{"state":"ready","utilization":30},{"state":"ready","utilization":null},
      {"state":"booting","utilization":99}]})");
  const auto pools = nlohmann::json::parse(R"({"pools":[{"name":"gpu","desired":3,"counts":{"ready":3}}]})");
  const auto seen = observe(pools, nodes, "gpu", at(1));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->average, 20.0);
  EXPECT_EQ(seen->ready, 3);
  EXPECT_EQ(seen->desired, 3);
  EXPECT_FALSE(observe(pools, nodes, "cpu", at(1)));
  EXPECT_EQ(observe(pools, nlohmann::json::object(), "gpu", at(1))->average, std::nullopt);
}

}  // namespace
}  // namespace gpuscale::cli
