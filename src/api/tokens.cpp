// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/auth.h"
#include "api/text.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

json to_json(const TokenInfo& token) {
  return {{"id", token.id},
          {"name", token.name},
          {"scopes", token.scopes.names()},
          {"created", base::format_rfc3339(token.created)}};
}

void note(const Services& services, const std::string& kind, const std::string& subject,
          const std::string& summary) {
  activity::Entry entry;
  entry.at = services.clock.wall();
  entry.kind = kind;
  entry.subject = subject;
  entry.correlation = activity::new_correlation();
  entry.summary = summary;
  if (const auto written = services.ledger.append(std::move(entry)); !written) {
    services.log.error("activity.unwritten", {{"kind", kind}, {"error", written.error()}});
  }
}

Result<http::Response> create(Services& services, const http::Request& request, const Principal& principal,
                              const std::vector<Key>& keys) {
  GS_TRY(const json body, parse_body(request, keys));
  if (!body["name"].is_string()) return fail(Errc::kInvalidArgument, "name must be a string");
  std::vector<std::string> names;
  if (!body["scopes"].is_array()) return fail(Errc::kInvalidArgument, "scopes must be an array of strings");
  for (const json& name : body["scopes"]) {
    if (!name.is_string()) return fail(Errc::kInvalidArgument, "scopes must be an array of strings");
    names.push_back(name.get<std::string>());
  }
  GS_TRY(const Scopes scopes, Scopes::parse(names));
  GS_TRY(const CreatedToken created, services.auth.create_token(body["name"].get<std::string>(), scopes));
  note(services, "token.created", created.info.name,
       principal.name + " made the token " + created.info.name + " (" + joined(scopes.names()) + ")");
  json answer = to_json(created.info);
  answer["token"] = created.token.reveal();
  return json_answer(201, answer);
}

Result<http::Response> revoke(Services& services, const http::Request& request, const Principal& principal) {
  const std::string& text = request.path_params.at("id");
  const auto id = parse_digits<std::int64_t>(text);
  if (!id) return fail(Errc::kNotFound, "no token with id " + text);
  GS_CHECK(services.auth.revoke_token(*id));
  note(services, "token.revoked", text, principal.name + " revoked the token with id " + text);
  http::Response response;
  response.status = 204;
  return response;
}

http::Response settled(Result<http::Response> result) {
  return result ? *std::move(result) : error_answer(result.error());
}

}  // namespace

void register_tokens(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/tokens",
              .scope = Scope::kAdmin,
              .summary = "Every token's name and scopes; the tokens themselves are not kept"},
             [&services](const http::Request&, const Principal&) {
               json list = json::array();
               for (const auto& token : services.auth.tokens()) list.push_back(to_json(token));
               return json_answer(200, {{"tokens", std::move(list)}});
             });
  const std::vector<Key> keys{{"name", "string", "what it is for, 1..64 bytes, unique", true},
                              {"scopes", "array", "some of write, read, trigger, admin", true}};
  routes.add({.method = http::Method::kPost,
              .pattern = "/api/v1/tokens",
              .scope = Scope::kAdmin,
              .summary = "Make a token; the answer is the only place that shows it",
              .body = keys},
             [&services, keys](const http::Request& request, const Principal& principal) {
               return settled(create(services, request, principal, keys));
             });
  routes.add({.method = http::Method::kDelete,
              .pattern = "/api/v1/tokens/{id}",
              .scope = Scope::kAdmin,
              .summary = "Revoke a token; it is refused from now on"},
             [&services](const http::Request& request, const Principal& principal) {
               return settled(revoke(services, request, principal));
             });
}

}  // namespace gpuscale::api
