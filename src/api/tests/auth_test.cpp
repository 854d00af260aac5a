// SPDX-License-Identifier: Apache-2.0
#include "api/auth.h"

#include <gtest/gtest.h>

#include "api/testing/test_api.h"
#include "base/digest.h"

namespace gpuscale::api {
namespace {

using testing::must;

class AuthTest : public ::testing::Test {
 protected:
  std::unique_ptr<Auth> open(std::optional<Secret> password = Secret("correct horse")) {
    return std::move(must(Auth::open(*database_, clock_, {AuthMode::kRequired, std::move(password)})).auth);
  }
  static std::optional<Credentials> admin(const std::string& password) {
    return Credentials{"admin", Secret(password)};
  }
  static std::optional<Credentials> token(const Secret& secret) { return Credentials{"", secret}; }

  base::testing::ManualClock clock_;
  std::unique_ptr<db::Database> database_ = must(db::Database::open(":memory:"));
};

TEST_F(AuthTest, MakesAPasswordAtTheFirstStartAndTellsItOnce) {
  auto first = must(Auth::open(*database_, clock_, {}));
  ASSERT_TRUE(first.generated_password);
  EXPECT_TRUE(first.auth->authenticate(admin(first.generated_password->reveal())));
  auto second = must(Auth::open(*database_, clock_, {}));
  EXPECT_FALSE(second.generated_password);
  EXPECT_TRUE(second.auth->authenticate(admin(first.generated_password->reveal())));
}

TEST_F(AuthTest, AGivenPasswordReplacesTheStoredOne) {
  open(Secret("the old password"));
  const auto auth = open(Secret("the new password"));
  EXPECT_TRUE(auth->authenticate(admin("the new password")));
  EXPECT_FALSE(auth->authenticate(admin("the old password")));
}

TEST_F(AuthTest, RefusesAPasswordOfFewerThanEightCharacters) {
  const auto opened = Auth::open(*database_, clock_, {AuthMode::kRequired, Secret("short")});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::kInvalidArgument);
}

TEST_F(AuthTest, StoresNeitherPasswordNorToken) {
  const auto auth = open();
  const CreatedToken created = must(auth->create_token("agents", {Scope::kWrite}));
  const auto stored = database_->read<std::string>([](db::Transaction& t) -> Result<std::string> {
    GS_TRY(db::Statement select,
           t.prepare("SELECT group_concat(digest) || (SELECT hash FROM admin_password) FROM token"));
    GS_TRY(const bool row, select.step());
    return row ? select.text(0) : "";
  });
  EXPECT_EQ(stored->find("correct horse"), std::string::npos);
  EXPECT_EQ(stored->find(created.token.reveal().substr(3)), std::string::npos);
}

TEST_F(AuthTest, ARightPasswordIsRememberedForFiveMinutesAndAWrongOneNeverBecomesRight) {
  const auto auth = open();
  EXPECT_FALSE(auth->authenticate(admin("wrong horse")));
  EXPECT_TRUE(auth->authenticate(admin("correct horse")));
  // Without scrypt a check is far below the 50 ms that one takes.
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(auth->authenticate(admin("correct horse")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  clock_.advance(std::chrono::minutes{6});
  EXPECT_TRUE(auth->authenticate(admin("correct horse")));
  EXPECT_FALSE(auth->authenticate(admin("wrong horse")));
}

TEST_F(AuthTest, ThePasswordFitsTheUserAdminOnly) {
  const auto auth = open();
  EXPECT_FALSE(auth->authenticate(Credentials{"root", Secret("correct horse")}));
  EXPECT_FALSE(auth->authenticate(Credentials{"", Secret("correct horse")}));
}

TEST_F(AuthTest, ATokenCarriesItsScopesAcrossARestartUntilRevoked) {
  const CreatedToken created = must(open()->create_token("agents", {Scope::kWrite}));
  const auto auth = open();
  const auto principal = auth->authenticate(token(created.token));
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->name, "token agents");
  EXPECT_TRUE(principal->scopes.allow(Scope::kWrite));
  EXPECT_FALSE(principal->scopes.allow(Scope::kRead));
  ASSERT_TRUE(auth->revoke_token(created.info.id));
  EXPECT_EQ(auth->authenticate(token(created.token)).error().message(), "authorization failed");
  EXPECT_FALSE(open()->authenticate(token(created.token)));
  EXPECT_EQ(auth->revoke_token(created.info.id).error().code(), Errc::kNotFound);
}

TEST_F(AuthTest, ATokenMayStandInThePasswordsPlace) {
  const auto auth = open();
  const CreatedToken created = must(auth->create_token("telegraf", {Scope::kWrite}));
  EXPECT_TRUE(auth->authenticate(Credentials{"telegraf", created.token}));
}

TEST_F(AuthTest, TwoTokensMayNotShareAName) {
  const auto auth = open();
  ASSERT_TRUE(auth->create_token("agents", {Scope::kWrite}));
  EXPECT_EQ(auth->create_token("agents", {Scope::kRead}).error().code(), Errc::kConflict);
  EXPECT_EQ(auth->create_token("", {Scope::kRead}).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(auth->create_token(std::string(65, 'x'), {Scope::kRead}).error().code(), Errc::kInvalidArgument);
}

TEST_F(AuthTest, AnEnsuredTokenStaysOneHoweverOftenItIsEnsured) {
  const auto auth = open();
  const Secret mine("gs_0123");
  ASSERT_TRUE(auth->ensure_token("nodes", {Scope::kWrite}, mine));
  ASSERT_TRUE(auth->ensure_token("nodes", {Scope::kWrite}, mine));
  EXPECT_EQ(auth->tokens().size(), 1U);
  ASSERT_TRUE(auth->ensure_token("nodes", {Scope::kWrite}, Secret("gs_4567")));
  EXPECT_EQ(auth->tokens().size(), 1U);
  EXPECT_FALSE(auth->authenticate(token(mine)));
  EXPECT_TRUE(auth->authenticate(token(Secret("gs_4567"))));
}

TEST_F(AuthTest, EveryoneIsAdminWhereNoAuthenticationIsRequired) {
  auto opened = must(Auth::open(*database_, clock_, {AuthMode::kOff, std::nullopt}));
  EXPECT_FALSE(opened.generated_password);
  EXPECT_TRUE(must(opened.auth->authenticate(std::nullopt)).scopes.allow(Scope::kAdmin));
}

TEST(Scopes, AdminContainsTheOthersAndNobodyElseDoes) {
  for (const Scope have : {Scope::kWrite, Scope::kRead, Scope::kTrigger, Scope::kAdmin}) {
    for (const Scope need : {Scope::kWrite, Scope::kRead, Scope::kTrigger, Scope::kAdmin}) {
      EXPECT_EQ(Scopes({have}).allow(need), have == need || have == Scope::kAdmin);
    }
  }
  EXPECT_FALSE(Scopes::parse({"write", "root"}));
  EXPECT_FALSE(Scopes::parse({}));
}

struct HeaderCase {
  const char* header;
  const char* user;  // nullptr = refused
  const char* secret;
};

TEST(Credentials, AreTakenFromEveryFormOfTheHeader) {
  const std::string basic = "Basic " + base::base64_encode("admin:pa:ss");
  const HeaderCase cases[] = {{"Bearer gs_1", "", "gs_1"},       {"bearer gs_1", "", "gs_1"},
                              {"Token gs_1", "", "gs_1"},        {"Token me:gs_1", "me", "gs_1"},
                              {basic.c_str(), "admin", "pa:ss"}, {"Bearer", nullptr, nullptr},
                              {"Bearer ", nullptr, nullptr},     {"Basic !!!", nullptr, nullptr},
                              {"Digest x", nullptr, nullptr},    {"", nullptr, nullptr}};
  for (const HeaderCase& each : cases) {
    http::Request request;
    request.headers.set("Authorization", each.header);
    const auto found = credentials_of(request, UrlCredentials::kIgnored);
    ASSERT_EQ(found.has_value(), each.user != nullptr) << each.header;
    if (!found) continue;
    EXPECT_EQ((*found)->user, each.user);
    EXPECT_EQ((*found)->secret.reveal(), each.secret);
  }
}

TEST(Credentials, InTheUrlAreTakenOnlyWhereAsked) {
  http::Request request;
  request.query = http::QueryParams::parse("u=a&p=b");
  EXPECT_FALSE(must(credentials_of(request, UrlCredentials::kIgnored)));
  EXPECT_EQ(must(credentials_of(request, UrlCredentials::kTaken))->secret.reveal(), "b");
}

}  // namespace
}  // namespace gpuscale::api
