// SPDX-License-Identifier: Apache-2.0
// Rules, channels, triggers, schedules, pools and policies as they are declared: read, made, changed,
// deleted.
#include "api/declared.h"

#include <array>

#include "api/answers.h"
#include "api/definition_call.h"
#include "api/text.h"

namespace gpuscale::api {

namespace {

using config::Kind;
using nlohmann::json;

http::Response registry_missing() {
  return error_answer(fail(Errc::kUnsupported, "this server keeps no definitions"));
}

/// "definition" as GET answers it.
json definition_json(const declare::Declared& declared) {
  return {{"name", declared.name},
          {"origin", std::string(to_string(declared.origin))},
          {"version", declared.version},
          {"definition", declared.definition.is_null() ? json::object() : declared.definition},
          {"changed_by", declared.changed_by.empty() ? json() : json(declared.changed_by)},
          {"changed_at", time_or_null(declared.changed_at)},
          {"fault", declared.fault}};
}

http::Response conflict_answer(const declare::Outcome& outcome) {
  const declare::Declared& entry = outcome.entry;
  if (outcome.verdict == declare::Verdict::kConflict)
    return version_conflict(outcome.reason, entry.version, entry.changed_by, entry.changed_at);
  const bool of_file = outcome.verdict == declare::Verdict::kDeclared;
  return json_answer(
      409,
      {{"error", outcome.reason}, {"code", of_file ? "declared" : "in_use"}, {"version", entry.version}});
}

/// With its secret, once.
std::string trigger_url(const Services& services, const std::string& name, const Secret& secret) {
  return services.url() + "/hook/trigger?triggerUrl=" + http::url_encode(name) +
         "&secret=" + http::url_encode(secret.reveal());
}

http::Response declared_answer(const Services& services, Kind kind, const declare::Outcome& outcome) {
  using declare::Verdict;
  switch (outcome.verdict) {
    case Verdict::kConflict:
    case Verdict::kDeclared:
    case Verdict::kInUse:
      return conflict_answer(outcome);
    case Verdict::kDeleted:
      return json_answer(200, {{"name", outcome.entry.name}, {"deleted", true}});
    case Verdict::kCreated:
    case Verdict::kChanged:
    case Verdict::kChecked:
      break;
  }
  json body = definition_json(outcome.entry);
  if (kind == Kind::kTriggers && outcome.secret) {
    body["secret"] = outcome.secret->reveal();
    body["url"] = trigger_url(services, outcome.entry.name, *outcome.secret);
  }
  return json_answer(outcome.verdict == Verdict::kCreated ? 201 : 200, body);
}

http::Response put_definition(Services& services, Kind kind, const http::Request& request,
                              const Principal& who) {
  auto call = definition_call(request);
  if (!call) return error_answer(call.error());
  declare::Wish wish;
  wish.kind = kind;
  wish.name = request.path_params.at("name");
  wish.definition = std::move(call->definition);
  wish.version = call->version;
  wish.who = who.name;
  wish.dry_run = call->dry_run;
  const auto outcome = services.declared->put(wish);
  if (!outcome) return error_answer(outcome.error());
  return declared_answer(services, kind, *outcome);
}

http::Response delete_definition(Services& services, Kind kind, const http::Request& request,
                                 const Principal& who) {
  const auto version = version_to_delete(request);
  if (!version) return error_answer(version.error());
  const auto outcome = services.declared->remove(kind, request.path_params.at("name"), *version, who.name);
  if (!outcome) return error_answer(outcome.error());
  return declared_answer(services, kind, *outcome);
}

http::Response get_definition(const Services& services, Kind kind, const http::Request& request) {
  const std::string& name = request.path_params.at("name");
  const auto found = services.declared->find(kind, name);
  if (found) return json_answer(200, definition_json(*found));
  std::vector<std::string> known;
  for (const auto& each : services.declared->list(kind)) known.push_back(each.name);
  return error_answer(fail(Errc::kNotFound, "no " + std::string(word_of(kind)) + " \"" + name +
                                                "\"; known: " + known_names(known)));
}

/// {"paused": true}: `key` says it, `on_if` is what switches it on.
http::Response turn(Services& services, Kind kind, const Key& key, bool on_if, const http::Request& request,
                    const Principal& who) {
  const auto body = parse_body(request, {key});
  if (!body) return error_answer(body.error());
  const json& value = body->at(key.name);
  if (!value.is_boolean())
    return error_answer(fail(Errc::kInvalidArgument, key.name + " must be true or false"));
  const std::string& name = request.path_params.at("name");
  const bool on = value.get<bool>() == on_if;
  const auto turned = services.declared->turn(kind, name, on, who.name);
  if (!turned) return error_answer(turned.error());
  return json_answer(200, {{"name", name}, {key.name, value}});
}

void register_kind(Routes& routes, Kind kind) {
  Services& services = routes.services();
  const std::string base = "/api/v1/" + std::string(to_string(kind)) + "/{name}";
  const std::string word(word_of(kind));
  const auto guarded = [&services](auto handler) {
    return [&services, handler](const http::Request& request, const Principal& who) {
      return services.declared == nullptr ? registry_missing() : handler(request, who);
    };
  };
  routes.add(
      {.method = http::Method::kGet,
       .pattern = base + "/definition",
       .scope = Scope::kAdmin,
       .summary = "The " + word + " as it is declared, by the file or through this API; without secrets"},
      guarded([&services, kind](const http::Request& request, const Principal&) {
        return get_definition(services, kind, request);
      }));
  routes.add({.method = http::Method::kPut,
              .pattern = base,
              .scope = Scope::kAdmin,
              .summary = "Make or change a " + word + "; it holds at once and lasts",
              .query = definition_query(),
              .body = definition_keys("the entry as the configuration file would have it; {\"secret\": "
                                      "\"set\"} keeps a secret")},
             guarded([&services, kind](const http::Request& request, const Principal& who) {
               return put_definition(services, kind, request, who);
             }));
  routes.add(
      {.method = http::Method::kDelete,
       .pattern = base,
       .scope = Scope::kAdmin,
       .summary = "Delete a " + word + " that was made through this API and that nothing names any more",
       .query = {{"version", "integer", "the version that was read", true}}},
      guarded([&services, kind](const http::Request& request, const Principal& who) {
        return delete_definition(services, kind, request, who);
      }));
}

}  // namespace

void add_declared(json& entry, const Services& services, Kind kind, const std::string& name) {
  const declare::Standing standing =
      services.declared == nullptr ? declare::Standing{} : services.declared->standing(kind, name);
  entry["origin"] = std::string(to_string(standing.origin));
  entry["version"] = standing.version;
  entry["fault"] = standing.fault;
}

std::vector<declare::Declared> left_out(const Services& services, Kind kind) {
  if (services.declared == nullptr) return {};
  return services.declared->left_out(kind);
}

void register_declared(Routes& routes) {
  Services& services = routes.services();
  for (const Kind kind : config::kKinds) register_kind(routes, kind);
  struct Switch {
    Kind kind;
    const char* pattern;
    const char* summary;
    Key key;
    bool on_if;
  };
  const std::array<Switch, 2> switches = {
      Switch{Kind::kRules,
             "/api/v1/rules/{name}/pause",
             "Pause a rule, or let it go on, whatever its definition says",
             {"paused", "boolean", "true = it is not looked at", true},
             false},
      Switch{Kind::kSchedules,
             "/api/v1/schedules/{name}/enabled",
             "Switch a schedule off, or on, whatever its definition says",
             {"enabled", "boolean", "false = it does nothing", true},
             true}};
  for (const Switch& each : switches) {
    routes.add({.method = http::Method::kPost,
                .pattern = each.pattern,
                .scope = Scope::kAdmin,
                .summary = each.summary,
                .body = {each.key}},
               [&services, each](const http::Request& request, const Principal& who) {
                 if (services.declared == nullptr) return registry_missing();
                 return turn(services, each.kind, each.key, each.on_if, request, who);
               });
  }
}

}  // namespace gpuscale::api
