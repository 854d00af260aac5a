// SPDX-License-Identifier: Apache-2.0
/// Dashboards on the server: made, read, changed, deleted, with a version against two editors.
#include <gmock/gmock.h>

#include "api/dashboard_shape.h"
#include "api/testing/test_api.h"

namespace gpuscale::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::must;
using testing::parsed;
using testing::TestApi;

const json kOne = {
    {"variables", {"pool"}},
    {"refresh", "10s"},
    {"panels",
     {{{"title", "GPU <b>"}, {"query", "SELECT mean(x) FROM gpu WHERE $timeFilter"}, {"max", 100}}}}};

class DashboardsTest : public ::testing::Test {
 protected:
  DashboardsTest() : store_(must(DashboardStore::open(*api_.state, *api_.ledger, api_.clock))) {
    api_.services.dashboards = store_.get();
  }
  http::Response put(const std::string& name, const json& definition, std::int64_t version = 0,
                     const std::string& query = "", http::Headers headers = {}) {
    const json body = {{"definition", definition}, {"version", version}};
    return api_.call(http::Method::kPut, "/api/v1/dashboards/" + name + query, body.dump(),
                     std::move(headers));
  }
  http::Response remove(const std::string& name, std::int64_t version) {
    return api_.call(http::Method::kDelete,
                     "/api/v1/dashboards/" + name + "?version=" + std::to_string(version));
  }

  TestApi api_;
  std::unique_ptr<DashboardStore> store_;
};

TEST_F(DashboardsTest, AreMadeReadChangedAndDeletedAndTheLedgerSaysByWhom) {
  const auto made = put("night", kOne);
  ASSERT_EQ(made.status, 201) << made.body;
  const auto version = parsed(made)["version"].get<std::int64_t>();
  const json list = parsed(api_.get("/api/v1/dashboards"))["dashboards"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["definition"], kOne);
  EXPECT_EQ(list[0]["changed_by"], "admin");
  json other = kOne;
  other["panels"] = json::array();
  const auto changed = put("night", other, version);
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_GT(parsed(changed)["version"].get<std::int64_t>(), version);
  EXPECT_EQ(parsed(api_.get("/api/v1/dashboards/night/definition"))["definition"], other);
  EXPECT_EQ(remove("night", parsed(changed)["version"].get<std::int64_t>()).status, 200);
  EXPECT_EQ(api_.get("/api/v1/dashboards/night/definition").status, 404);
  const auto entries = api_.activity("config.changed");
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].summary, "admin makes dashboard night");
  EXPECT_EQ(entries[2].details["action"], "deletes");
}

TEST_F(DashboardsTest, ASecondEditorIsToldWhoSavedAndLosesNothing) {
  const auto version = parsed(put("night", kOne))["version"].get<std::int64_t>();
  ASSERT_EQ(put("night", kOne, version).status, 200);
  const auto late = put("night", kOne, version);
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(parsed(late)["code"], "conflict");
  EXPECT_EQ(parsed(late)["changed_by"], "admin");
  EXPECT_EQ(put("night", kOne).status, 409) << "a new one of the same name";
  EXPECT_EQ(remove("night", version).status, 409);
  EXPECT_EQ(put("gone", kOne, 7).status, 404);
}

TEST_F(DashboardsTest, ADeletedOnesVersionIsNeverUsedAgain) {
  const auto version = parsed(put("night", kOne))["version"].get<std::int64_t>();
  ASSERT_EQ(remove("night", version).status, 200);
  EXPECT_GT(parsed(put("night", kOne))["version"].get<std::int64_t>(), version);
}

TEST_F(DashboardsTest, ADryRunChecksAndChangesNothing) {
  EXPECT_EQ(put("night", kOne, 0, "?dry_run=true").status, 200);
  EXPECT_EQ(put("night", {{"panels", 7}}, 0, "?dry_run=true").status, 400);
  EXPECT_TRUE(parsed(api_.get("/api/v1/dashboards"))["dashboards"].empty());
  EXPECT_TRUE(api_.activity("config.changed").empty());
}

TEST_F(DashboardsTest, AViewerLooksAndChangesNothing) {
  const http::Headers viewer{{"Authorization", api_.bearer(Scope::kRead)}};
  ASSERT_EQ(put("night", kOne).status, 201);
  EXPECT_EQ(api_.call(http::Method::kGet, "/api/v1/dashboards", "", viewer).status, 200);
  EXPECT_EQ(put("night", kOne, 1, "", viewer).status, 403);
}

TEST_F(DashboardsTest, LastOverARestart) {
  ASSERT_EQ(put("night", kOne).status, 201);
  const auto again = must(DashboardStore::open(*api_.state, *api_.ledger, api_.clock));
  EXPECT_EQ(must(again->find("night")).definition, kOne);
}

struct Bad {
  json definition;
  const char* place;
};
class BadDashboard : public ::testing::TestWithParam<Bad> {};

TEST_P(BadDashboard, IsRefusedByItsPlace) {
  const auto checked = check_dashboard(GetParam().definition);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(checked.error().message(), HasSubstr(GetParam().place));
}

json with_panel(const json& panel) {
  return {{"panels", json::array({panel})}};
}

INSTANTIATE_TEST_SUITE_P(
    All, BadDashboard,
    ::testing::Values(Bad{json::array(), "definition: a dashboard is"},
                      Bad{{{"panels", 7}}, "definition.panels"},
                      Bad{{{"panels", json::array()}, {"rows", 1}}, "unknown key \"rows\""},
                      Bad{{{"panels", json::array()}, {"variables", {"a b"}}}, "definition.variables"},
                      Bad{{{"panels", json::array()}, {"refresh", "often"}}, "definition.refresh"},
                      Bad{with_panel("x"), "definition.panels[0]: "},
                      Bad{with_panel({{"query", "SELECT x FROM g WHERE $timeFilter"}}),
                          "definition.panels[0].title"},
                      Bad{with_panel({{"title", "t"}, {"query", "SELECT x FROM g"}}),
                          "definition.panels[0].query: write WHERE $timeFilter"},
                      Bad{with_panel({{"title", "t"}, {"query", "$timeFilter"}, {"max", "100"}}),
                          "definition.panels[0].max"},
                      Bad{{{"panels", json(std::vector<json>(41, json::object()))}}, "at most 40"}));

TEST(DashboardName, HasAtMostTwoHundredBytesAndNoControlCharacters) {
  EXPECT_TRUE(check_dashboard_name(std::string(200, 'x')));
  EXPECT_TRUE(check_dashboard_name("夜 <b>&amp;"));
  EXPECT_FALSE(check_dashboard_name(std::string(201, 'x')));
  EXPECT_FALSE(check_dashboard_name("a\nb"));
  EXPECT_FALSE(check_dashboard_name(""));
}

}  // namespace
}  // namespace gpuscale::api
