// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/auth.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

json to_json(const Principal& principal, AuthMode mode) {
  return {{"signed_in", true},
          {"name", principal.name},
          {"scopes", principal.scopes.names()},
          {"auth", mode == AuthMode::kRequired}};
}

http::Response who_am_i(Auth& auth, const http::Request& request) {
  const json nobody = {{"signed_in", false}, {"auth", auth.mode() == AuthMode::kRequired}};
  const auto credentials = credentials_of(request, UrlCredentials::kIgnored);
  if (!credentials) return json_answer(200, nobody);
  const auto principal = auth.authenticate(*credentials);
  return json_answer(200, principal ? to_json(*principal, auth.mode()) : nobody);
}

std::string cookie_text(const http::Request& request, const std::string& value, bool ends) {
  return session_cookie_name(request) + "=" + value + "; Path=/; HttpOnly; SameSite=Strict" +
         (request.secure ? "; Secure" : "") + (ends ? "; Max-Age=0" : "");
}

Result<Credentials> credentials_in(const json& body) {
  const bool by_password = body.contains("password");
  if (by_password == body.contains("token")) {
    return fail(Errc::kInvalidArgument, "send either the admin's \"password\" or a \"token\"");
  }
  const json& secret = body[by_password ? "password" : "token"];
  if (!secret.is_string()) return fail(Errc::kInvalidArgument, "password and token are strings");
  return Credentials{by_password ? "admin" : "", Secret(secret.get<std::string>())};
}

http::Response sign_in(Auth& auth, const http::Request& request, const std::vector<Key>& keys) {
  const auto body = parse_body(request, keys);
  if (!body) return error_answer(body.error());
  const auto credentials = credentials_in(*body);
  if (!credentials) return error_answer(credentials.error());
  const auto opened = auth.open_session(*credentials);
  if (!opened) return error_answer(opened.error());
  http::Response response = json_answer(200, to_json(opened->principal, auth.mode()));
  response.headers.set("Set-Cookie", cookie_text(request, opened->id.reveal(), false));
  return response;
}

http::Response sign_out(Auth& auth, const http::Request& request) {
  if (const auto id = session_cookie(request)) auth.close_session(*id);
  http::Response response;
  response.status = 204;
  response.headers.set("Set-Cookie", cookie_text(request, "", true));
  return response;
}

}  // namespace

void register_session(Routes& routes) {
  Auth& auth = routes.services().auth;
  constexpr const char* kPath = "/api/v1/session";
  routes.add({.method = http::Method::kGet,
              .pattern = kPath,
              .summary = "Who the caller is and what they may; answers those who have not signed in, too"},
             [&auth](const http::Request& request, const Principal&) { return who_am_i(auth, request); });
  const std::vector<Key> keys{{"password", "string", "the admin's"},
                              {"token", "string", "instead: any token"}};
  routes.add(
      {.method = http::Method::kPost,
       .pattern = kPath,
       .summary = "Sign a browser in: the answer sets a cookie that stands for these credentials",
       .body = keys},
      [&auth, keys](const http::Request& request, const Principal&) { return sign_in(auth, request, keys); });
  routes.add({.method = http::Method::kDelete, .pattern = kPath, .summary = "Sign this browser out"},
             [&auth](const http::Request& request, const Principal&) { return sign_out(auth, request); });
}

}  // namespace gpuscale::api
