// SPDX-License-Identifier: Apache-2.0
#include "cli/top_look.h"

#include <gmock/gmock.h>

namespace gpuscale::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Json = nlohmann::json;

const WallTime kLookedAt = base::from_unix_nanos(1'700'000'000'000'000'000);

Json device_series(const std::string& node, double utilization, WallTime at = kLookedAt) {
  return {{"name", "gpu"},
          {"tags", {{"node", node}, {"gpu", "0"}, {"uuid", "GPU-" + node}, {"model", "M"}, {"mig", ""}}},
          {"columns", {"time", "utilization_gpu", "power_watts"}},
          {"values", {{base::to_unix_nanos(at), utilization, nullptr}}}};
}

Json node_series(const std::string& node, const std::string& state, const std::string& reason) {
  return {{"name", "node"},
          {"tags", {{"node", node}}},
          {"columns", {"time", "state", "reason"}},
          {"values", {{base::to_unix_nanos(kLookedAt), state, reason}}}};
}

Json answer_of(const Json& devices, const Json& nodes, const Json& pods = Json::array(),
               const Json& before = Json::array()) {
  return {
      {"results", {{{"series", devices}}, {{"series", nodes}}, {{"series", pods}}, {{"series", before}}}}};
}

TEST(TopLook, ReadsTheAgentWhateverIsMissing) {
  auto agent = Json::parse(
      R"({"node":"n1","state":"ok","devices":[{"gpu":1,"uuid":"GPU-1","state":"ok","mig":"1g.10gb",
          "values":{"utilization_gpu":45.5},"processes":[{"pid":1,"owner":"pod:x","memory_bytes":7},{},9]},7,{}]})");
  const TopLook look = look_of_agent(agent);
  ASSERT_EQ(look.devices.size(), 2U);
  EXPECT_EQ(look.devices[0].gpu, "1:1g.10gb");
  EXPECT_EQ(look.devices[0].utilization, 45.5);
  EXPECT_EQ(look.devices[0].owner, "pod:x");
  EXPECT_EQ(look.devices[0].power, std::nullopt);
  ASSERT_EQ(look.uses.size(), 3U);
  EXPECT_EQ(look.uses[0].pid, 1);
  EXPECT_EQ(look.uses[0].memory, 7);
  EXPECT_EQ(look.uses[1].pid, std::nullopt);
  agent["state"] = "hung";
  agent["reason"] = "nvmlInit has not answered";
  EXPECT_EQ(look_of_agent(agent).devices[0].state, "hung");
  EXPECT_EQ(look_of_agent(agent).devices[0].detail, "nvmlInit has not answered");
  for (const char* bad : {"null", "[]", "{}", R"({"devices":3})"}) {
    EXPECT_TRUE(look_of_agent(Json::parse(bad)).devices.empty());
  }
}

TEST(TopLook, ReadsTheServerWhateverIsMissing) {
  ServerLooks looks;
  const TopLook look = looks.take(
      answer_of(Json::array({device_series("n2", 30), Json::object(), 3}), Json::array()), kLookedAt);
  ASSERT_EQ(look.devices.size(), 1U);
  EXPECT_EQ(look.devices[0].utilization, 30);
  EXPECT_EQ(look.devices[0].power, std::nullopt);
  EXPECT_EQ(look.devices[0].state, "ok");
  for (const char* bad : {"null", "[]", "{}", R"({"results":3})", R"({"results":[{"series":[1]},7]})",
                          R"({"results":[{"series":[{"tags":{},"columns":[],"values":[3]}]}]})"}) {
    EXPECT_TRUE(ServerLooks().take(Json::parse(bad), kLookedAt).devices.empty());
  }
}

TEST(TopLook, ADeviceThatFallsSilentStaysOnTheScreenForTenMinutes) {
  ServerLooks looks;
  const Json well = node_series("n1", "ok", "");
  looks.take(answer_of(Json::array({device_series("n1", 30), device_series("n2", 50)}), Json::array({well})),
             kLookedAt);
  const TopLook later =
      looks.take(answer_of(Json::array({device_series("n1", 30)}), Json::array({well})), kLookedAt + 90s);
  ASSERT_EQ(later.devices.size(), 2U);
  EXPECT_EQ(later.devices[1].state, "silent 1m30s");
  EXPECT_THAT(later.devices[1].detail, HasSubstr("nothing comes from its node"));
  const Json shown = json_of(later);
  EXPECT_EQ(shown.at("devices").at(0).at("utilization_gpu"), 30);
  EXPECT_EQ(shown.at("devices").at(1).at("state"), "silent 1m30s");
  EXPECT_EQ(shown.at("devices").at(1).at("power_watts"), nullptr);
  EXPECT_EQ(looks.take(answer_of(Json::array({device_series("n2", 30)}), Json::array()), kLookedAt + 100s)
                .devices[1]
                .state,
            "ok");
  EXPECT_TRUE(looks.take(answer_of(Json::array(), Json::array()), kLookedAt + 12min).devices.empty());
}

TEST(TopLook, WhatFellSilentBeforeTheFirstLookIsAskedForOnce) {
  ServerLooks looks;
  EXPECT_THAT(looks.query(), HasSubstr("10m"));
  const Json before =
      Json::array({device_series("n1", 30, kLookedAt - 1s), device_series("n9", 20, kLookedAt - 40s)});
  const TopLook look = looks.take(
      answer_of(Json::array({device_series("n1", 31)}), Json::array(), Json::array(), before), kLookedAt);
  ASSERT_EQ(look.devices.size(), 2U);
  EXPECT_EQ(look.devices[0].state, "ok");
  EXPECT_EQ(look.devices[1].state, "silent 40s");
  EXPECT_THAT(looks.query(), ::testing::Not(HasSubstr("10m")));
}

TEST(TopLook, TheNodesTroubleIsSaidAtItsDevicesAndWhereItHasNone) {
  ServerLooks looks;
  looks.take(answer_of(Json::array({device_series("n1", 30)}), Json::array()), kLookedAt);
  const TopLook look =
      looks.take(answer_of(Json::array(), Json::array({node_series("n1", "hung", "nvmlInit"),
                                                       node_series("n2", "no_device", "none listed")})),
                 kLookedAt + 20s);
  ASSERT_EQ(look.devices.size(), 2U);
  EXPECT_EQ(look.devices[0].state, "hung");
  EXPECT_EQ(look.devices[0].detail, "nvmlInit");
  EXPECT_EQ(look.devices[1].gpu, "-");
  EXPECT_EQ(look.devices[1].state, "no_device");
}

TEST(TopLook, PodsAreTheUsersThatTheServerKnows) {
  const Json pod = {
      {"name", "gpu_pod"},
      {"tags", {{"node", "n1"}, {"gpu", "0"}, {"mig", ""}, {"namespace", "team-a"}, {"pod", "llama-0"}}},
      {"columns", {"time", "memory", "utilization"}},
      {"values", {{1, 5e9, 40}}}};
  const TopLook look = ServerLooks().take(
      answer_of(Json::array({device_series("n1", 30)}), Json::array(), Json::array({pod})), kLookedAt);
  ASSERT_EQ(look.uses.size(), 1U);
  EXPECT_EQ(look.uses[0].owner, "pod:team-a/llama-0");
  EXPECT_EQ(look.uses[0].utilization, 40);
  EXPECT_EQ(look.devices[0].owner, "pod:team-a/llama-0");
}

}  // namespace
}  // namespace gpuscale::cli
