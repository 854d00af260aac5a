// SPDX-License-Identifier: Apache-2.0
/// Roles are the server's to enforce: every call of the API, with a token of every other scope.
#include "api/scopes.h"

#include <gtest/gtest.h>

#include "api/testing/test_api.h"

namespace gpuscale::api {
namespace {

/// "/api/v1/rules/{name}/pause" as "/api/v1/rules/x/pause".
std::string some_path(std::string pattern) {
  for (std::size_t open = pattern.find('{'); open != std::string::npos; open = pattern.find('{'))
    pattern.replace(open, pattern.find('}') - open + 1, "x");
  return pattern;
}

class ScopesTest : public ::testing::Test {
 protected:
  int status_of(const Operation& operation, const std::string& authorization) {
    http::Headers headers;
    if (!authorization.empty()) headers.set("Authorization", authorization);
    return api_.send(testing::TestApi::request(operation.method, some_path(operation.pattern), "{}", headers))
        .status;
  }
  std::vector<Operation> rest_operations() {
    std::vector<Operation> out;
    for (Operation& each : documented_operations(api_.services))
      if (each.pattern.starts_with("/api/v1/")) out.push_back(std::move(each));
    return out;
  }

  testing::TestApi api_;
};

TEST_F(ScopesTest, EveryCallRefusesATokenWithoutItsScope) {
  const std::vector<std::pair<Scope, std::string>> tokens = {{Scope::kRead, api_.bearer(Scope::kRead)},
                                                             {Scope::kTrigger, api_.bearer(Scope::kTrigger)},
                                                             {Scope::kWrite, api_.bearer(Scope::kWrite)}};
  int looked = 0;
  for (const Operation& operation : rest_operations()) {
    if (!operation.scope) continue;
    for (const auto& [scope, bearer] : tokens) {
      if (scope == *operation.scope) continue;
      EXPECT_EQ(status_of(operation, bearer), 403)
          << to_string(operation.method) << " " << operation.pattern << " with " << to_string(scope);
      ++looked;
    }
    EXPECT_EQ(status_of(operation, ""), 401) << operation.pattern;
    EXPECT_EQ(status_of(operation, "Bearer gs_nobody"), 401) << operation.pattern;
  }
  EXPECT_GT(looked, 100);
  EXPECT_TRUE(api_.controller.acts.empty());
}

TEST_F(ScopesTest, AViewersTokenChangesNothing) {
  for (const Operation& operation : rest_operations()) {
    if (operation.method == http::Method::kGet || operation.pattern == "/api/v1/session") continue;
    ASSERT_TRUE(operation.scope) << operation.pattern;
    EXPECT_NE(*operation.scope, Scope::kRead) << to_string(operation.method) << " " << operation.pattern;
  }
}

TEST_F(ScopesTest, WithoutAScopeAreTheSignInAndTheDocumentAlone) {
  for (const Operation& operation : rest_operations()) {
    if (operation.scope) continue;
    EXPECT_TRUE(operation.pattern == "/api/v1/session" || operation.pattern == "/api/v1/openapi.json")
        << operation.pattern;
  }
}

}  // namespace
}  // namespace gpuscale::api
