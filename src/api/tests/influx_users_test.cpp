// SPDX-License-Identifier: Apache-2.0
#include "api/influx_users.h"

#include <gmock/gmock.h>

#include "api/testing/test_api.h"

namespace gpuscale::api {
namespace {

using influxql::Privilege;
using nlohmann::json;
using testing::must;

class InfluxUsersTest : public ::testing::Test {
 protected:
  std::optional<InfluxUser> login(const std::string& name, const std::string& password) {
    return users_->authenticate({name, Secret(password)});
  }
  base::testing::ManualClock clock_;
  std::unique_ptr<db::Database> state_ = must(db::Database::open(":memory:"));
  std::unique_ptr<InfluxUsers> users_ = must(InfluxUsers::open(*state_, clock_));
};

TEST_F(InfluxUsersTest, KeepsUsersAndGrants) {
  ASSERT_TRUE(users_->create("u", Secret("p"), false));
  ASSERT_TRUE(users_->create("u", Secret("p"), false));
  EXPECT_EQ(users_->create("u", Secret("q"), false).error().message(), "user already exists");
  ASSERT_TRUE(users_->set_grant("u", "db", Privilege::kRead));
  ASSERT_TRUE(users_->create("a", Secret("p"), true));
  users_ = must(InfluxUsers::open(*state_, clock_));
  const auto all = users_->all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "u");
  EXPECT_TRUE(all[1].admin);
  const auto user = login("u", "p");
  ASSERT_TRUE(user);
  EXPECT_TRUE(user->may_read("db"));
  EXPECT_FALSE(user->may_write("db"));
  EXPECT_FALSE(user->may_read("other"));
  EXPECT_FALSE(login("u", "wrong"));
  EXPECT_FALSE(login("nobody", "p"));
}

TEST_F(InfluxUsersTest, ChangesHoldAtOnce) {
  ASSERT_TRUE(users_->create("u", Secret("p"), false));
  ASSERT_TRUE(login("u", "p"));
  ASSERT_TRUE(users_->set_password("u", Secret("n")));
  EXPECT_FALSE(login("u", "p"));
  EXPECT_TRUE(login("u", "n"));
  ASSERT_TRUE(users_->set_grant("u", "db", Privilege::kAll));
  EXPECT_TRUE(login("u", "n")->may_write("db"));
  ASSERT_TRUE(users_->forget_database("db"));
  EXPECT_FALSE(login("u", "n")->may_write("db"));
  ASSERT_TRUE(users_->drop("u"));
  EXPECT_FALSE(login("u", "n"));
  EXPECT_EQ(users_->drop("u").error().message(), "user not found");
}

TEST(InfluxUsersOverHttp, RightsGoByDatabaseAndReachInfluxDbsEndpointsOnly) {
  testing::TestApi api;
  const auto as = [&](const std::string& name, http::Method method, const std::string& target,
                      const std::string& body = "") {
    http::Headers headers{{"Authorization", "Basic " + base::base64_encode(name + ":p")}};
    return api.call(method, target, body, std::move(headers));
  };
  const auto query = [&](const std::string& name, const std::string& text) {
    return as(name, http::Method::kPost, "/query?q=" + http::url_encode(text));
  };
  ASSERT_EQ(
      api.call(http::Method::kPost,
               "/query?q=" +
                   http::url_encode("CREATE DATABASE other; CREATE USER r WITH PASSWORD 'p'; CREATE USER w "
                                    "WITH PASSWORD 'p'; GRANT READ ON gpuscale TO r; GRANT WRITE "
                                    "ON gpuscale TO w"))
          .status,
      200);
  EXPECT_EQ(json::parse(query("r", "SHOW DATABASES").body)["results"][0]["series"][0]["values"],
            json::parse("[[\"gpuscale\"]]"));
  EXPECT_EQ(query("r", "SELECT * FROM gpuscale..m").status, 200);
  const auto refused = query("r", "SELECT * FROM other..m");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(
      json::parse(refused.body)["error"],
      "error authorizing query: r not authorized to execute statement 'SELECT * FROM other..m', requires "
      "READ on other");
  EXPECT_EQ(query("r", "CREATE USER x WITH PASSWORD 'p'").status, 403);
  EXPECT_EQ(as("w", http::Method::kPost, "/write?db=gpuscale", "m v=1").status, 204);
  EXPECT_EQ(as("r", http::Method::kPost, "/write?db=gpuscale", "m v=1").status, 403);
  EXPECT_EQ(as("w", http::Method::kPost, "/write?db=other", "m v=1").status, 403);
  EXPECT_EQ(as("w", http::Method::kPost, "/write?db=nosuch", "m v=1").status, 404);
  EXPECT_EQ(as("r", http::Method::kGet, "/api/v1/pools").status, 401);
  EXPECT_EQ(as("stranger", http::Method::kPost, "/query?q=SHOW+DATABASES").status, 401);
}

}  // namespace
}  // namespace gpuscale::api
