// SPDX-License-Identifier: Apache-2.0
#include "api/declared.h"

#include <gmock/gmock.h>

#include "api/testing/test_api.h"

namespace gpuscale::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::parsed;

constexpr const char* kFile =
    "pools: [{name: gpu, min: 1, max: 3}]\n"
    "triggers: [{name: gpu-out, pool: gpu, type: scale_out}]\n"
    "policies: [{name: calm, pool: gpu}]\n"
    "rules:\n"
    "  - {name: filed, queries: {C: 'SELECT mean(u) FROM gpu WHERE $timeFilter'}, condition: 'avg(C, 1m) > "
    "45'}\n";
constexpr const char* kRule =
    R"({"definition":{"queries":{"C":"SELECT mean(u) FROM gpu WHERE $timeFilter"},"condition":"avg(C, 1m) > 70"}})";

class DeclaredTest : public ::testing::Test {
 protected:
  void SetUp() override {
    pilot_ =
        *scaling::Pilot::open({*api_.state, api_.controller, *api_.ledger, api_.clock, log::Log::silent()});
    api_.services.pilot = pilot_.get();
    declare::Vault vault;
    vault.key = *base::SealingKey::parse(Secret(std::string(64, 'a')));
    registry_ = *declare::Registry::open(
        *api_.state, *api_.ledger, api_.clock, log::Log::silent(), std::move(vault),
        {kFile, "file", [](const std::string&) { return std::nullopt; }},
        {[this](const config::Config& config, std::optional<config::Kind>) -> Result<void> {
           (void)api_.outbox.set_channels(config.channels);
           api_.alerts.rules.clear();
           for (const auto& rule : config.rules) api_.alerts.rules.push_back({.spec = rule});
           return pilot_->set_policies(config.policies);
         },
         {},
         [this](const config::Config& next) { return pilot_->keeps_from_change(next.policies); }});
    ASSERT_TRUE(registry_->start());
    api_.services.declared = registry_.get();
    api_.services.url = [] { return "http://here:8486"; };
  }
  http::Response put(const std::string& path, const std::string& body) {
    return api_.call(http::Method::kPut, "/api/v1/" + path, body);
  }
  http::Response post(const std::string& path, const std::string& body) {
    return api_.call(http::Method::kPost, "/api/v1/" + path, body);
  }

  testing::TestApi api_;
  std::unique_ptr<scaling::Pilot> pilot_;
  std::unique_ptr<declare::Registry> registry_;
};

TEST_F(DeclaredTest, MakesReadsChangesAndDeletes) {
  const auto made = put("rules/mine", kRule);
  ASSERT_EQ(made.status, 201) << made.body;
  const auto version = parsed(made)["version"].get<std::int64_t>();
  const json read = parsed(api_.get("/api/v1/rules/mine/definition"));
  EXPECT_EQ(read["origin"], "api");
  EXPECT_EQ(read["changed_by"], "admin");
  EXPECT_EQ(read["definition"]["condition"], "avg(C, 1m) > 70");
  json edited = {{"definition", read["definition"]}, {"version", version}};
  edited["definition"]["for"] = "30s";
  EXPECT_EQ(put("rules/mine", edited.dump()).status, 200);
  const json list = parsed(api_.get("/api/v1/rules"))["rules"];
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["origin"], "file");
  EXPECT_EQ(list[0]["version"], 0);
  EXPECT_EQ(list[1]["for"], "30s");
  EXPECT_EQ(list[1]["enabled"], true);
  const auto newest = list[1]["version"].get<std::int64_t>();
  EXPECT_EQ(api_.call(http::Method::kDelete, "/api/v1/rules/mine?version=" + std::to_string(newest)).status,
            200);
  EXPECT_EQ(api_.get("/api/v1/rules/mine/definition").status, 404);
}

TEST_F(DeclaredTest, ConflictsSayWhoAndWhich) {
  ASSERT_EQ(put("rules/mine", kRule).status, 201);
  const auto again = put("rules/mine", kRule);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(parsed(again)["code"], "conflict");
  EXPECT_EQ(parsed(again)["changed_by"], "admin");
  EXPECT_TRUE(parsed(again)["version"].is_number_integer());
  const auto filed = put("rules/filed", kRule);
  EXPECT_EQ(filed.status, 409);
  EXPECT_EQ(parsed(filed)["code"], "declared");
  EXPECT_EQ(api_.call(http::Method::kDelete, "/api/v1/rules/filed?version=0").status, 409);
}

TEST_F(DeclaredTest, BadInputIsRefusedByPlace) {
  const auto bad = put("rules/mine", R"({"definition":{"condition":"avg(C, 1m) >"}})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(parsed(bad)["error"].get<std::string>(), HasSubstr("definition.condition: line 1, column"));
  EXPECT_EQ(put("rules/mine", R"({"version":1})").status, 400);
  EXPECT_EQ(put("rules/mine", R"({"definition":{},"version":-1})").status, 400);
  EXPECT_EQ(put("rules/mine", R"({"definition":{},"version":"x"})").status, 400);
  EXPECT_EQ(put("rules/mine", "nonsense").status, 400);
  EXPECT_EQ(put("rules/mine", R"({"definition":)" + std::string(20'000, '[') + "}").status, 400);
  EXPECT_EQ(put("rules/mine", R"({"definition":)" + std::string(20'000, '[') + std::string(20'000, ']') + "}")
                .status,
            400);
  EXPECT_EQ(put("rules/mine?dry_run=maybe", kRule).status, 400);
  EXPECT_EQ(api_.call(http::Method::kDelete, "/api/v1/rules/mine").status, 400);
  EXPECT_EQ(api_.call(http::Method::kDelete, "/api/v1/rules/mine?version=3").status, 404);
}

TEST_F(DeclaredTest, OnlyAnAdminMay) {
  http::Headers reader;
  reader.set("Authorization", api_.bearer(Scope::kRead));
  EXPECT_EQ(api_.call(http::Method::kPut, "/api/v1/rules/mine", kRule, reader).status, 403);
  EXPECT_EQ(api_.call(http::Method::kGet, "/api/v1/rules/filed/definition", "", reader).status, 403);
  EXPECT_EQ(api_.call(http::Method::kPost, "/api/v1/rules/filed/pause", R"({"paused":true})", reader).status,
            403);
}

TEST_F(DeclaredTest, ADryRunMakesNothing) {
  EXPECT_EQ(put("rules/mine?dry_run=true", kRule).status, 200);
  EXPECT_EQ(api_.get("/api/v1/rules/mine/definition").status, 404);
}

TEST_F(DeclaredTest, ATriggersUrlIsShownOnce) {
  const auto made = put("triggers/in", R"({"definition":{"pool":"gpu","type":"scale_in"}})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string url = parsed(made)["url"];
  EXPECT_THAT(url, HasSubstr("http://here:8486/hook/trigger?triggerUrl=in&secret="));
  EXPECT_EQ(parsed(made)["definition"]["secret"], json({{"secret", "set"}}));
  EXPECT_THAT(api_.get("/api/v1/triggers/in/definition").body, Not(HasSubstr("url")));
}

TEST_F(DeclaredTest, APolicyIsMadeShownChangedAndDeleted) {
  const auto made =
      put("policies/idea", R"({"definition":{"pool":"gpu","type":"hpa","target":60,"shadow":true}})");
  ASSERT_EQ(made.status, 201) << made.body;
  const json list = parsed(api_.get("/api/v1/policies"))["policies"];
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["origin"], "file");
  EXPECT_EQ(list[1]["origin"], "api");
  EXPECT_EQ(list[1]["policy"], "hpa=0.6");
  EXPECT_TRUE(list[1].at("evidence").at("value").is_null()) << "it has not looked yet";
  EXPECT_EQ(list[1]["version"], parsed(made)["version"]);
  const json edited = {{"definition", {{"pool", "gpu"}, {"type", "hpa"}, {"target", 70}}},
                       {"version", parsed(made)["version"]}};
  const auto changed = put("policies/idea", edited.dump());
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(put("policies/idea", edited.dump()).status, 409) << "of a version that is past";
  const json one = parsed(api_.get("/api/v1/policies/idea"));
  EXPECT_EQ(one["policy"], "hpa=0.7");
  EXPECT_EQ(one["shadow"], false);
  EXPECT_EQ(put("policies/calm", edited.dump()).status, 409) << "the file's";
  EXPECT_THAT(parsed(put("policies/new", R"({"definition":{"pool":"none"}})"))["error"].get<std::string>(),
              HasSubstr("definition.pool: no pool \"none\""));
  const std::string version = parsed(changed)["version"].dump();
  EXPECT_EQ(api_.call(http::Method::kDelete, "/api/v1/policies/idea?version=" + version).status, 200);
  const auto gone = api_.get("/api/v1/policies/idea");
  EXPECT_EQ(gone.status, 404);
  EXPECT_THAT(gone.body, HasSubstr("known: calm"));
}

TEST_F(DeclaredTest, APolicyOfStepsIsShownWithoutANumber) {
  const json heat = {{"pool", "gpu"},
                     {"type", "step"},
                     {"queries", {{"Q", "SELECT mean(u) FROM gpu WHERE $timeFilter"}}},
                     {"value", "avg(Q, 1m)"},
                     {"steps", json::array({{{"above", 80}, {"add", 2}}})}};
  const auto made = put("policies/heat", json{{"definition", heat}}.dump());
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(parsed(api_.get("/api/v1/policies/heat"))["policy"], "step");
}

TEST_F(DeclaredTest, APromotedPolicyIsInUse) {
  const auto made = put("policies/idea", R"({"definition":{"pool":"gpu","type":"hpa","shadow":true}})");
  ASSERT_EQ(made.status, 201) << made.body;
  ASSERT_EQ(post("pools/gpu/promote", R"({"policy":"idea"})").status, 200);
  const std::string gone = "/api/v1/policies/idea?version=" + parsed(made)["version"].dump();
  const auto refused = api_.call(http::Method::kDelete, gone);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(parsed(refused)["code"], "in_use");
  EXPECT_THAT(parsed(refused)["error"].get<std::string>(), HasSubstr("gpuscale policy rollback gpu"));
  ASSERT_EQ(post("pools/gpu/rollback", "{}").status, 200);
  EXPECT_EQ(api_.call(http::Method::kDelete, gone).status, 200);
}

TEST_F(DeclaredTest, PausesTheFilesRulesToo) {
  EXPECT_EQ(post("rules/filed/pause", R"({"paused":true})").status, 200);
  EXPECT_EQ(parsed(api_.get("/api/v1/rules"))["rules"][0]["enabled"], false);
  EXPECT_EQ(post("rules/filed/pause", R"({"paused":1})").status, 400);
  EXPECT_EQ(post("rules/none/pause", R"({"paused":true})").status, 404);
  EXPECT_EQ(post("schedules/none/enabled", R"({"enabled":true})").status, 404);
}

TEST_F(DeclaredTest, TestsAChannelAsItIsAndNew) {
  const std::string body = R"({"definition":{"type":"slack","url":"https://hooks.invalid/hunter2"}})";
  const auto tried = post("channels/people/test", body);
  ASSERT_EQ(tried.status, 200) << tried.body;
  EXPECT_EQ(parsed(tried)["delivered"], true);
  ASSERT_EQ(api_.outbox.probed.size(), 1U);
  EXPECT_EQ(api_.outbox.probed[0].url, "https://hooks.invalid/hunter2");
  EXPECT_EQ(post("channels/people/test", "{}").status, 404);
  ASSERT_EQ(put("channels/people", body).status, 201);
  EXPECT_EQ(post("channels/people/test", "{}").status, 200);
  EXPECT_THAT(api_.get("/api/v1/channels/people/definition").body, Not(HasSubstr("hunter2")));
  EXPECT_THAT(api_.get("/api/v1/activity").body, Not(HasSubstr("hunter2")));
}

TEST_F(DeclaredTest, ATestPullsNoTrigger) {
  ASSERT_EQ(put("channels/grow", R"({"definition":{"type":"trigger","trigger":"gpu-out"}})").status, 201);
  EXPECT_EQ(post("channels/grow/test", "{}").status, 409);
  EXPECT_TRUE(api_.outbox.probed.empty());
}

}  // namespace
}  // namespace gpuscale::api
