// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"

namespace gpuscale::api {

void register_triggers(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/triggers",
              .scope = Scope::kRead,
              .summary = "Every trigger; secrets are never shown again"},
             [&services](const http::Request&, const Principal&) {
               nlohmann::json list = nlohmann::json::array();
               for (const auto& trigger : services.controller.triggers()) {
                 list.push_back({{"name", trigger.name},
                                 {"pool", trigger.pool},
                                 {"type", std::string(to_string(trigger.type))},
                                 {"step", trigger.step},
                                 {"enabled", trigger.enabled}});
               }
               return json_answer(200, {{"triggers", std::move(list)}});
             });
}

}  // namespace gpuscale::api
