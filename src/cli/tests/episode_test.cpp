// SPDX-License-Identifier: Apache-2.0
#include "cli/episode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "cli/tests/whole_episode.h"

namespace gpuscale::cli {
namespace {

using activity::Entry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void drop(EpisodeInput& input, std::string_view kind, double from = 0) {
  std::erase_if(input.entries, [&](const Entry& e) { return e.kind == kind && e.at >= at(from); });
}

TEST(Episode, HappensWhereEveryStepIsThere) {
  const Episode episode = judge_episode(whole());
  EXPECT_THAT(episode.missing(), IsEmpty());
  EXPECT_TRUE(episode.happened());
  EXPECT_EQ(episode.steps.size(), 20U);
  const std::string text = to_text(episode);
  EXPECT_THAT(text, HasSubstr("The episode happened"));
  EXPECT_THAT(text, HasSubstr("trigger accepted"));
  EXPECT_THAT(text, HasSubstr("Load: 1000 offered, 1000 served, 0 lost"));
  EXPECT_TRUE(to_json(episode)["happened"].get<bool>());
  EXPECT_EQ(to_json(episode)["load"]["served"], 1000);
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
      {[](EpisodeInput& i) { drop(i, "node.draining"); },
       {"a node drains", "the drain is rescued", "node draining", "node drained", "node gone"}},
      {[](EpisodeInput& i) { drop(i, "node.draining", 90); }, {"node draining", "node drained", "node gone"}},
      {[](EpisodeInput& i) { drop(i, "node.undrained"); }, {"the drain is rescued"}},
      {[](EpisodeInput& i) { i.load_back_at.reset(); }, {"load comes back", "the drain is rescued"}},
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
