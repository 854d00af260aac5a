// SPDX-License-Identifier: Apache-2.0
#include "api/rules.h"

#include "api/answers.h"
#include "api/declared.h"
#include "base/duration.h"

namespace gpuscale::api {

using nlohmann::json;

namespace {

json labels_json(const metrics::Tags& labels) {
  json out = json::object();
  for (const metrics::Tag& tag : labels) out[tag.key] = tag.value;
  return out;
}

json instances_json(const alert::RuleStatus& rule) {
  json out = json::array();
  for (const alert::InstanceStatus& each : rule.instances) {
    out.push_back({{"labels", labels_json(each.labels)},
                   {"state", std::string(to_string(each.state))},
                   {"since", base::format_rfc3339(each.since)},
                   {"value", each.value ? json(*each.value) : json()},
                   {"correlation", each.correlation}});
  }
  return out;
}

json silence_json(const alert::Silence& silence) {
  return {{"id", silence.id},         {"rule", silence.rule},
          {"labels", silence.labels}, {"until", base::format_rfc3339(silence.until)},
          {"who", silence.who},       {"comment", silence.comment}};
}

/// {"rule": "high", "labels": {...}, "for": "2h" | "until": "...", "comment": "..."}
Result<alert::Silence> read_silence(const json& body, const std::string& who, WallTime now) {
  constexpr Nanos kLongest = std::chrono::hours{24 * 366};
  alert::Silence silence;
  silence.who = who;
  try {
    silence.rule = body.value("rule", "");
    silence.comment = body.value("comment", "");
    silence.labels = body.value("labels", std::map<std::string, std::string>{});
    if (body.contains("until") == body.contains("for")) {
      return fail(Errc::kInvalidArgument, "give either for (\"2h\") or until (RFC 3339)");
    }
    if (body.contains("until")) {
      GS_TRY(silence.until, base::parse_rfc3339(body.at("until").get<std::string>()));
    } else {
      GS_TRY(const Nanos span, base::parse_duration(body.at("for").get<std::string>()));
      if (span > kLongest) return fail(Errc::kInvalidArgument, "for must be at most a year");
      silence.until = now + span;
    }
  } catch (const json::exception& wrong) {
    return fail(Errc::kInvalidArgument, std::string("the body does not fit: ") + wrong.what());
  }
  return silence;
}

}  // namespace

json to_json(const alert::RuleStatus& rule) {
  return {{"name", rule.spec.name},
          {"state", std::string(to_string(rule.state))},
          {"since", base::format_rfc3339(rule.since)},
          {"evaluated_at", time_or_null(rule.evaluated_at)},
          {"explanation", rule.explanation},
          {"values", rule.values.is_null() ? json::array() : rule.values},
          {"last_error", rule.last_error},
          {"every", base::format_duration(rule.spec.every)},
          {"for", base::format_duration(rule.spec.hold_for)},
          {"repeat", base::format_duration(rule.spec.repeat)},
          {"condition", rule.spec.condition},
          {"queries", rule.spec.queries},
          {"sources", rule.spec.sources},
          {"notify", rule.spec.notify},
          {"took_ms", std::chrono::duration<double, std::milli>(rule.took).count()},
          {"per_series", rule.spec.per_series},
          {"recover", rule.spec.recover},
          {"keep_firing_for", base::format_duration(rule.spec.keep_firing_for)},
          {"muted_by", rule.muted_by},
          {"instances", instances_json(rule)},
          {"correlation", rule.correlation}};
}

void register_rules(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/rules",
              .scope = Scope::kRead,
              .summary = "Every rule: its state, since when, and what was compared with what"},
             [&services](const http::Request&, const Principal&) {
               json list = json::array();
               const auto add = [&](const alert::RuleStatus& rule) {
                 list.push_back(to_json(rule));
                 list.back()["enabled"] = !rule.spec.paused;
                 add_declared(list.back(), services, config::Kind::kRules, rule.spec.name);
               };
               for (const auto& rule : services.alerts.status()) add(rule);
               for (const auto& each : left_out(services, config::Kind::kRules)) {
                 alert::RuleStatus rule;
                 rule.spec.name = each.name;
                 rule.spec.paused = true;
                 rule.state = alert::State::kError;
                 rule.last_error = each.fault;
                 add(rule);
               }
               return json_answer(200, {{"rules", std::move(list)}});
             });
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/silences",
              .scope = Scope::kRead,
              .summary = "Silences that have not expired"},
             [&services](const http::Request&, const Principal&) {
               json list = json::array();
               for (const auto& silence : services.alerts.silences()) list.push_back(silence_json(silence));
               return json_answer(200, {{"silences", std::move(list)}});
             });
  const std::vector<Key> keys = {{"rule", "string", "the rule's name; left out = every rule"},
                                 {"labels", "object", "only series that have these labels"},
                                 {"for", "string", "how long, as 2h"},
                                 {"until", "string", "RFC 3339, instead of for"},
                                 {"comment", "string", "why"}};
  routes.add({.method = http::Method::kPost,
              .pattern = "/api/v1/silences",
              .scope = Scope::kAdmin,
              .summary = "Keep rules from telling for a while; their states go on",
              .body = keys},
             [&services, keys](const http::Request& request, const Principal& who) {
               const auto body = parse_body(request, keys);
               if (!body) return error_answer(body.error());
               auto silence = read_silence(*body, who.name, services.clock.wall());
               if (!silence) return error_answer(silence.error());
               const auto made = services.alerts.silence(*std::move(silence));
               if (!made) return error_answer(made.error());
               return json_answer(201, silence_json(*made));
             });
  routes.add({.method = http::Method::kDelete,
              .pattern = "/api/v1/silences/{id}",
              .scope = Scope::kAdmin,
              .summary = "End a silence"},
             [&services](const http::Request& request, const Principal&) {
               const auto lifted = services.alerts.lift_silence(request.path_params.at("id"));
               if (!lifted) return error_answer(lifted.error());
               return json_answer(200, {{"id", request.path_params.at("id")}});
             });
}

}  // namespace gpuscale::api
