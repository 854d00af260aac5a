// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/routes.h"

namespace gpuscale::api {
namespace {

using nlohmann::json;

json number_or_null(const std::optional<std::int64_t>& value) {
  return value ? json(*value) : json(nullptr);
}

json policy_json(const scaling::PolicyStatus& status) {
  return {{"name", status.spec.name},
          {"pool", status.spec.pool},
          {"policy", status.spec.choice.to_string()},
          {"shadow", status.spec.shadow},
          {"want", number_or_null(status.want)},
          {"boot_seconds", number_or_null(status.boot_seconds)},
          {"reason", status.reason}};
}

}  // namespace

void register_policies(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/policies",
              .scope = Scope::kRead,
              .summary = "Every policy: its pool, whether it is heard or a shadow, what it wants and why"},
             [&services](const http::Request&, const Principal&) {
               json list = json::array();
               if (services.pilot != nullptr) {
                 for (const auto& status : services.pilot->policies()) list.push_back(policy_json(status));
               }
               return json_answer(200, {{"policies", std::move(list)}});
             });
}

}  // namespace gpuscale::api
