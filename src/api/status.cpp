// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/pools.h"
#include "api/rules.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

json to_json(const tsdb::StoreStats& stats) {
  return {{"points_written", stats.points_written},
          {"points_dropped", stats.points_dropped},
          {"commits", stats.commits},
          {"series", stats.series},
          {"memory_bytes", stats.memory_bytes},
          {"disk_bytes", stats.disk_bytes}};
}

}  // namespace

void register_status(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/status",
              .scope = Scope::kRead,
              .summary = "The whole at a glance: version, pools, rules, store"},
             [&services](const http::Request&, const Principal&) {
               json pools = json::array();
               for (const auto& pool : services.controller.pools()) pools.push_back(to_json(pool));
               json rules = json::array();
               for (const auto& rule : services.alerts.status()) rules.push_back(to_json(rule));
               return json_answer(200,
                                  {{"cluster", services.cluster},
                                   {"version", services.version},
                                   {"uptime_seconds", seconds_of(services.clock.mono() - services.started)},
                                   {"pools", std::move(pools)},
                                   {"rules", std::move(rules)},
                                   {"store", to_json(services.store.stats())}});
             });
}

}  // namespace gpuscale::api
