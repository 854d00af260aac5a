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

void note_session(const Services& services, const std::string& verb, const std::string& subject,
                  std::string summary) {
  const auto written = services.ledger.append({.at = services.clock.wall(),
                                               .kind = "session." + verb,
                                               .subject = subject,
                                               .correlation = activity::new_correlation(),
                                               .summary = std::move(summary)});
  if (!written) services.log.error("activity.unwritten", {{"kind", verb}, {"error", written.error()}});
}

http::Response sign_in(Services& services, const http::Request& request, const std::vector<Key>& keys) {
  Auth& auth = services.auth;
  const auto body = parse_body(request, keys);
  if (!body) return error_answer(body.error());
  const auto credentials = credentials_in(*body);
  if (!credentials) return error_answer(credentials.error());
  const auto opened =
      auth.open_session(*credentials, request.peer, std::string(request.headers.get("User-Agent")));
  if (!opened) return error_answer(opened.error());
  const std::string& who = opened->principal.name;
  note_session(services, "opened", who, who + " signed in from " + request.peer);
  http::Response response = json_answer(200, to_json(opened->principal, auth.mode()));
  response.headers.set("Set-Cookie", cookie_text(request, opened->id.reveal(), false));
  return response;
}

http::Response sign_out(Services& services, const http::Request& request) {
  if (const auto id = session_cookie(request)) {
    if (const auto closed = services.auth.sessions().close(*id))
      note_session(services, "closed", closed->who, closed->who + " signed out");
  }
  http::Response response;
  response.status = 204;
  response.headers.set("Set-Cookie", cookie_text(request, "", true));
  return response;
}

http::Response list_sessions(const Services& services, const http::Request& request) {
  const MonoTime now = services.clock.mono();
  const auto id = session_cookie(request);
  const auto own = id ? services.auth.sessions().handle_of(*id) : std::nullopt;
  json list = json::array();
  for (const SessionInfo& each : services.auth.sessions().list(now)) {
    list.push_back({{"id", each.handle},
                    {"who", each.who},
                    {"peer", each.peer},
                    {"browser", each.browser},
                    {"opened", base::format_rfc3339(each.opened)},
                    {"used", base::format_rfc3339(services.clock.wall() - (now - each.used))},
                    {"own", own == each.handle}});
  }
  return json_answer(200, {{"sessions", std::move(list)}});
}

http::Response revoke_session(const Services& services, const http::Request& request, const Principal& who) {
  const std::string& handle = request.path_params.at("id");
  const auto closed = services.auth.sessions().close_by_handle(handle);
  if (!closed) return error_answer(fail(Errc::kNotFound, "no session \"" + handle + "\""));
  note_session(services, "revoked", closed->who,
               who.name + " ended a session of " + closed->who + " from " + closed->peer);
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void register_session(Routes& routes) {
  Services& services = routes.services();
  Auth& auth = services.auth;
  constexpr const char* kPath = "/api/v1/session";
  routes.add({.method = http::Method::kGet,
              .pattern = kPath,
              .summary = "Who the caller is and what they may; answers those who have not signed in, too"},
             [&auth](const http::Request& request, const Principal&) { return who_am_i(auth, request); });
  const std::vector<Key> keys{{"password", "string", "the admin's"},
                              {"token", "string", "instead: any token"}};
  routes.add({.method = http::Method::kPost,
              .pattern = kPath,
              .summary = "Sign a browser in: the answer sets a cookie that stands for these credentials",
              .body = keys},
             [&services, keys](const http::Request& request, const Principal&) {
               return sign_in(services, request, keys);
             });
  routes.add(
      {.method = http::Method::kDelete, .pattern = kPath, .summary = "Sign this browser out"},
      [&services](const http::Request& request, const Principal&) { return sign_out(services, request); });
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/sessions",
              .scope = Scope::kAdmin,
              .summary = "Every browser that is signed in: who, from where, since when"},
             [&services](const http::Request& request, const Principal&) {
               return list_sessions(services, request);
             });
  routes.add({.method = http::Method::kDelete,
              .pattern = "/api/v1/sessions/{id}",
              .scope = Scope::kAdmin,
              .summary = "Sign this browser out; what it does next is refused"},
             [&services](const http::Request& request, const Principal& who) {
               return revoke_session(services, request, who);
             });
}

}  // namespace gpuscale::api
