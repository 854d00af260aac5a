// SPDX-License-Identifier: Apache-2.0
/// Signing a browser in and out.
#include <gtest/gtest.h>

#include "api/testing/test_api.h"

namespace gpuscale::api {
namespace {

using testing::must;
using testing::TestApi;

class SessionTest : public ::testing::Test {
 protected:
  http::Response send(http::Method method, const std::string& target, const std::string& body = "",
                      http::Headers headers = {}) {
    headers.set("Host", "127.0.0.1:8486");
    return api_.send(TestApi::request(method, target, body, std::move(headers)));
  }
  /// "gpuscale_8486=gss_...", as a browser would send it back.
  std::string sign_in(const std::string& body) {
    const http::Response response = send(http::Method::kPost, "/api/v1/session", body);
    const std::string cookie(response.headers.get("Set-Cookie"));
    return cookie.substr(0, cookie.find(';'));
  }
  int status_with(const std::string& cookie, http::Headers headers = {}) {
    headers.set("Cookie", "other=1; " + cookie);
    return send(http::Method::kGet, "/api/v1/status", "", std::move(headers)).status;
  }

  TestApi api_;
};

TEST_F(SessionTest, TheAdminsPasswordOpensOneThatScriptsCannotRead) {
  const http::Response response =
      send(http::Method::kPost, "/api/v1/session", R"({"password":"correct horse"})");
  EXPECT_EQ(response.status, 200);
  const std::string cookie(response.headers.get("Set-Cookie"));
  EXPECT_TRUE(cookie.starts_with("gpuscale_8486=gss_")) << cookie;
  EXPECT_NE(cookie.find("HttpOnly; SameSite=Strict"), std::string::npos) << cookie;
  EXPECT_EQ(status_with(cookie.substr(0, cookie.find(';'))), 200);
}

TEST_F(SessionTest, WrongCredentialsOpenNone) {
  EXPECT_EQ(send(http::Method::kPost, "/api/v1/session", R"({"password":"guess"})").status, 401);
  EXPECT_EQ(send(http::Method::kPost, "/api/v1/session", R"({"token":"guess"})").status, 401);
  EXPECT_EQ(send(http::Method::kPost, "/api/v1/session", "{}").status, 400);
  EXPECT_EQ(status_with("gpuscale_8486=gss_guess"), 401);
}

TEST_F(SessionTest, MayWhatItsTokenMayUntilThatIsRevoked) {
  const CreatedToken token = must(api_.auth->create_token("viewer", {Scope::kRead}));
  const std::string cookie = sign_in(R"({"token":")" + token.token.reveal() + "\"}");
  EXPECT_EQ(status_with(cookie), 200);
  const auto tokens = send(http::Method::kGet, "/api/v1/tokens", "", {{"Cookie", cookie}});
  EXPECT_EQ(tokens.status, 403);
  ASSERT_TRUE(api_.auth->revoke_token(token.info.id));
  EXPECT_EQ(status_with(cookie), 401);
}

TEST_F(SessionTest, APageOfAnotherSiteOrPortCannotUseIt) {
  const std::string cookie = sign_in(R"({"password":"correct horse"})");
  EXPECT_EQ(status_with(cookie, {{"Sec-Fetch-Site", "same-origin"}}), 200);
  EXPECT_EQ(status_with(cookie, {{"Sec-Fetch-Site", "same-site"}}), 401);
  EXPECT_EQ(status_with(cookie, {{"Sec-Fetch-Site", "cross-site"}}), 401);
}

TEST_F(SessionTest, EndsBySigningOutAndAfterAWorkingDayUnused) {
  const std::string left = sign_in(R"({"password":"correct horse"})");
  EXPECT_EQ(send(http::Method::kDelete, "/api/v1/session", "", {{"Cookie", left}}).status, 204);
  EXPECT_EQ(status_with(left), 401);
  const std::string kept = sign_in(R"({"password":"correct horse"})");
  api_.clock.advance(std::chrono::hours{11});
  EXPECT_EQ(status_with(kept), 200);
  api_.clock.advance(std::chrono::hours{13});
  EXPECT_EQ(status_with(kept), 401);
}

TEST_F(SessionTest, AreListedForTheAdminWhoMayEndThem) {
  const CreatedToken token = must(api_.auth->create_token("viewer", {Scope::kRead}));
  const std::string admin = sign_in(R"({"password":"correct horse"})");
  api_.clock.advance(std::chrono::minutes{5});
  const std::string viewer = sign_in(R"({"token":")" + token.token.reveal() + "\"}");
  EXPECT_EQ(send(http::Method::kGet, "/api/v1/sessions", "", {{"Cookie", viewer}}).status, 403);
  const auto list = [&] {
    const auto answer = send(http::Method::kGet, "/api/v1/sessions", "", {{"Cookie", admin}});
    return nlohmann::json::parse(answer.body)["sessions"];
  };
  const auto before = list();
  ASSERT_EQ(before.size(), 2U);
  EXPECT_EQ(before[0]["who"], "token viewer");
  EXPECT_EQ(before[0]["own"], false);
  EXPECT_EQ(before[1]["own"], true);
  EXPECT_EQ(before[0].dump().find("gss_"), std::string::npos) << "the list opens nothing";
  const std::string path = "/api/v1/sessions/" + before[0]["id"].get<std::string>();
  EXPECT_EQ(send(http::Method::kDelete, path, "", {{"Cookie", viewer}}).status, 403);
  EXPECT_EQ(send(http::Method::kDelete, path, "", {{"Cookie", admin}}).status, 204);
  EXPECT_EQ(status_with(viewer), 401);
  EXPECT_EQ(list().size(), 1U);
  EXPECT_EQ(send(http::Method::kDelete, path, "", {{"Cookie", admin}}).status, 404);
  EXPECT_EQ(api_.activity("session.revoked").at(0).summary,
            "admin ended a session of token viewer from 127.0.0.1");
  EXPECT_EQ(api_.activity("session.opened").size(), 2U);
}

TEST_F(SessionTest, OfARevokedTokenIsListedNoMore) {
  const CreatedToken token = must(api_.auth->create_token("viewer", {Scope::kRead}));
  sign_in(R"({"token":")" + token.token.reveal() + "\"}");
  ASSERT_TRUE(api_.auth->revoke_token(token.info.id));
  EXPECT_TRUE(api_.auth->sessions().list(api_.clock.mono()).empty());
}

TEST_F(SessionTest, TellsWhoIsSignedIn) {
  const auto who = [this](http::Headers headers) {
    return nlohmann::json::parse(send(http::Method::kGet, "/api/v1/session", "", std::move(headers)).body);
  };
  EXPECT_EQ(who({})["signed_in"], false);
  const auto admin = who({{"Cookie", sign_in(R"({"password":"correct horse"})")}});
  EXPECT_EQ(admin["name"], "admin");
  EXPECT_EQ(admin["scopes"], nlohmann::json::array({"admin"}));
}

TEST_F(SessionTest, TheConsoleGetsNoDialogOfTheBrowsers) {
  EXPECT_TRUE(send(http::Method::kGet, "/api/v1/status").headers.has("WWW-Authenticate"));
  const http::Headers console{{"X-Gpuscale-Console", "1"}};
  EXPECT_FALSE(send(http::Method::kGet, "/api/v1/status", "", console).headers.has("WWW-Authenticate"));
}

}  // namespace
}  // namespace gpuscale::api
