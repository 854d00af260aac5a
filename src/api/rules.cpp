// SPDX-License-Identifier: Apache-2.0
#include "api/rules.h"

#include "api/answers.h"
#include "base/duration.h"

namespace gpuscale::api {

using nlohmann::json;

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
          {"notify", rule.spec.notify},
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
               for (const auto& rule : services.alerts.status()) list.push_back(to_json(rule));
               return json_answer(200, {{"rules", std::move(list)}});
             });
}

}  // namespace gpuscale::api
