// SPDX-License-Identifier: Apache-2.0
#include "api/routes.h"

#include "api/answers.h"
#include "api/late_answer.h"
#include "api/text.h"

namespace gpuscale::api {

namespace {

bool changes_state(http::Method method) {
  return method != http::Method::kGet && method != http::Method::kHead && method != http::Method::kOptions;
}

/// A browser sends Origin with every call that a page makes to change something, and adds the user's Basic
/// credentials by itself (or needs none, with --no-auth): a page of another site must not scale a cluster.
bool from_another_site(const http::Request& request) {
  const std::string_view origin = request.headers.get("Origin");
  if (origin.empty()) return false;
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return true;
  return !equal_ignoring_case(origin.substr(scheme + 3), request.headers.get("Host"));
}

Result<Principal> admit(Auth& auth, const Operation& operation, const http::Request& request) {
  if (changes_state(operation.method) && from_another_site(request)) {
    return fail(Errc::kForbidden, "calls from pages of another site (Origin " +
                                      std::string(request.headers.get("Origin")) +
                                      ") may not change anything here");
  }
  if (!operation.scope) return Principal{"anyone", {}};
  GS_TRY(const std::optional<Credentials> credentials, credentials_of(request, UrlCredentials::kIgnored));
  if (!credentials && auth.mode() != AuthMode::kOff) {
    return fail(Errc::kUnauthenticated,
                "no credentials; send \"Authorization: Bearer <token>\", or Basic as user admin");
  }
  GS_TRY(Principal principal, auth.authenticate(credentials));
  if (!principal.scopes.allow(*operation.scope)) {
    return fail(Errc::kForbidden, principal.name + " lacks the scope \"" +
                                      std::string(to_string(*operation.scope)) +
                                      "\"; it has: " + joined(principal.scopes.names()));
  }
  return principal;
}

}  // namespace

Routes::Routes(Services& services) : services_(services) {}

void Routes::add(Operation operation, ScopedHandler handler) {
  Auth& auth = services_.auth;
  operations_->push_back(operation);
  const http::Method method = operation.method;
  const std::string pattern = operation.pattern;
  add_plain(
      method, pattern,
      [&auth, operation = std::move(operation), handler = std::move(handler)](const http::Request& request) {
        const Result<Principal> principal = admit(auth, operation, request);
        if (!principal) return error_answer(principal.error());
        if (const auto good = check_query(request.query, operation.query); !good)
          return error_answer(good.error());
        return handler(request, *principal);
      });
}

void Routes::add_documented(Operation operation, http::Handler handler) {
  add_plain(operation.method, operation.pattern, std::move(handler));
  operations_->push_back(std::move(operation));
}

void Routes::add_plain(http::Method method, std::string_view pattern, http::Handler handler) {
  RouteCounters& counters = counters_->emplace_back();
  counters.method = method;
  counters.pattern = std::string(pattern);
  // The deque is kept alive by the handler, which may outlive this object.
  router_.add(method, pattern,
              [&clock = services_.clock, owner = counters_, &counters,
               handler = std::move(handler)](const http::Request& request) {
                const MonoTime begin = clock.mono();
                http::Response response = handler(request);
                counters.busy_ns += static_cast<std::uint64_t>((clock.mono() - begin).count());
                return finished(std::move(response), [owner, &counters](const http::Response& answer) {
                  const auto index = static_cast<std::size_t>(answer.status / 100);
                  if (index < counters.by_class.size()) ++counters.by_class[index];
                });
              });
}

}  // namespace gpuscale::api
