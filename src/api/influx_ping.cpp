// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/influx.h"

namespace gpuscale::api {

void register_influx_ping(Routes& routes) {
  Services& services = routes.services();
  for (const char* path : {"/ping", "/status"}) {
    add_influx_route(routes, path, {http::Method::kGet, http::Method::kHead}, "GET, HEAD",
                     [](const http::Request&) { return influx_no_content(); });
  }
  if (!services.influx_health) return;
  // Not in 1.6.7; in the form of 1.8, which newer clients ask for.
  add_influx_route(routes, "/health", {http::Method::kGet, http::Method::kHead}, "GET, HEAD",
                   [&services](const http::Request&) {
                     const bool ready = !services.ready || services.ready();
                     return json_answer(ready ? 200 : 503,
                                        {{"checks", nlohmann::json::array()},
                                         {"message", ready ? "ready for queries and writes" : "not ready"},
                                         {"name", "influxdb"},
                                         {"status", ready ? "pass" : "fail"},
                                         {"version", std::string(kInfluxVersion)}});
                   });
}

}  // namespace gpuscale::api
