// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/declared.h"
#include "base/rfc3339.h"
#include "http/client.h"

namespace gpuscale::api {

namespace {

nlohmann::json sources_of(const scaling::TriggerSpec& trigger) {
  nlohmann::json out = nlohmann::json::array();
  for (const base::Cidr& range : trigger.sources) out.push_back(range.text());
  return out;
}

nlohmann::json shown(const scaling::Errand& errand) {
  return {{"id", errand.id},
          {"state", std::string(to_string(errand.state))},
          {"result", errand.result},
          {"source", errand.source},
          {"correlation", errand.correlation},
          {"asked", base::format_rfc3339(errand.asked)},
          {"started", time_or_null(errand.started)},
          {"ended", time_or_null(errand.ended)}};
}

/// What a trigger does that scales nothing; how it shows who we are is kept to ourselves.
void add_action(nlohmann::json& out, const Services& services, const scaling::TriggerSpec& trigger) {
  const notify::ChannelSpec& action = *trigger.action;
  if (trigger.type == scaling::Direction::kRun) {
    out["command"] = action.command;
  } else {
    out["url"] = http::redact_url(action.url);
    out["method"] = std::string(to_string(action.method));
  }
  out["timeout_seconds"] = seconds_of(action.timeout);
  out["cooldown_seconds"] = seconds_of(trigger.cooldown);
  const auto newest = services.controller.errands(trigger.name, 1);
  out["last"] = newest && !newest->empty() ? shown(newest->front()) : nlohmann::json();
}

nlohmann::json shown(const Services& services, const scaling::TriggerSpec& trigger) {
  nlohmann::json out{{"name", trigger.name},
                     {"pool", trigger.pool},
                     {"type", std::string(to_string(trigger.type))},
                     {"step", trigger.step},
                     {"max_step", trigger.max_step},
                     {"calls_per_minute", trigger.calls_per_minute},
                     {"sources", sources_of(trigger)},
                     {"repeat_seconds", seconds_of(trigger.repeat)},
                     {"on_resolved", trigger.on_resolved},
                     {"enabled", trigger.enabled}};
  if (trigger.action) add_action(out, services, trigger);
  return out;
}

constexpr std::size_t kShownErrands = 100;

}  // namespace

void register_triggers(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/triggers",
              .scope = Scope::kRead,
              .summary = "Every trigger; secrets are never shown again"},
             [&services](const http::Request&, const Principal&) {
               nlohmann::json list = nlohmann::json::array();
               const auto add = [&](const scaling::TriggerSpec& trigger) {
                 list.push_back(shown(services, trigger));
                 add_declared(list.back(), services, config::Kind::kTriggers, trigger.name);
               };
               for (const auto& trigger : services.controller.triggers()) add(trigger);
               for (const auto& each : left_out(services, config::Kind::kTriggers)) {
                 scaling::TriggerSpec trigger;
                 trigger.name = each.name;
                 trigger.enabled = false;
                 add(trigger);
               }
               return json_answer(200, {{"triggers", std::move(list)}});
             });
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/triggers/{name}/errands",
              .scope = Scope::kRead,
              .summary = "What a trigger of type run or call was pulled for, newest first, and how it ended"},
             [&services](const http::Request& request, const Principal&) {
               const auto errands =
                   services.controller.errands(request.path_params.at("name"), kShownErrands);
               if (!errands) return error_answer(errands.error());
               nlohmann::json list = nlohmann::json::array();
               for (const scaling::Errand& errand : *errands) list.push_back(shown(errand));
               return json_answer(200, {{"errands", std::move(list)}});
             });
  routes.add({.method = http::Method::kPost,
              .pattern = "/api/v1/triggers/{name}/rotate",
              .scope = Scope::kAdmin,
              .summary = "Give a trigger a new secret, shown this once; the old one ends at once"},
             [&services](const http::Request& request, const Principal& who) {
               const std::string& name = request.path_params.at("name");
               const auto secret = services.controller.rotate_secret(name, who.name);
               if (!secret) return error_answer(secret.error());
               return json_answer(200, {{"trigger", name}, {"secret", secret->reveal()}});
             });
  for (const bool on : {true, false}) {
    routes.add({.method = http::Method::kPost,
                .pattern = on ? "/api/v1/triggers/{name}/enable" : "/api/v1/triggers/{name}/disable",
                .scope = Scope::kAdmin,
                .summary = on ? "Take calls of this trigger again" : "Refuse every call of this trigger"},
               [&services, on](const http::Request& request, const Principal& who) {
                 const std::string& name = request.path_params.at("name");
                 const auto done = services.controller.enable_trigger(name, on, who.name);
                 if (!done) return error_answer(done.error());
                 return json_answer(200, {{"trigger", name}, {"enabled", on}});
               });
  }
}

}  // namespace gpuscale::api
