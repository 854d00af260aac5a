// SPDX-License-Identifier: Apache-2.0
#include "api/services.h"

#include <array>

#include "api/routes.h"

namespace gpuscale::api {

namespace {

void register_all(Routes& routes) {
  register_influx_ping(routes);
  register_influx_vars(routes);
  register_influx_write(routes);
  register_influx_query(routes);
  register_influx_prometheus(routes);
  register_hook_trigger(routes);
  register_status(routes);
  register_policies(routes);
  register_pools(routes);
  register_nodes(routes);
  register_node_devices(routes);
  register_rules(routes);
  register_channels(routes);
  register_triggers(routes);
  register_schedules(routes);
  register_declared(routes);
  register_dashboards(routes);
  register_channel_probe(routes);
  register_activity(routes);
  register_replay(routes);
  register_events(routes);
  register_tokens(routes);
  register_session(routes);
  register_openapi(routes);
  register_metrics(routes);
  register_health(routes);
  register_landing(routes);
}

/// `q` with the texts after PASSWORD and SET PASSWORD FOR ... = hidden.
std::string without_passwords(std::string text) {
  constexpr std::string_view kWord = "password";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  auto at = text.begin();
  while (true) {
    at = std::search(at, text.end(), kWord.begin(), kWord.end(), same);
    if (at == text.end()) return text;
    const auto open = std::find(at, text.end(), '\'');
    if (open == text.end()) return text;
    const auto close = std::find(open + 1, text.end(), '\'');
    const auto begin = open - text.begin() + 1;
    text.replace(open + 1, close, "[REDACTED]");
    at = text.begin() + begin;
  }
}

}  // namespace

http::Router make_router(Services& services) {
  Routes routes(services);
  register_all(routes);
  return routes.take_router();
}

std::vector<Operation> documented_operations(Services& services) {
  Routes routes(services);
  register_all(routes);
  return *routes.operations();
}

http::RequestHandler make_handler(Services& services) {
  auto router = std::make_shared<const http::Router>(make_router(services));
  return [&services, router](http::Request& request) {
    const MonoTime begin = services.clock.mono();
    http::Response response = router->route(request);
    // A browser would answer the challenge with a dialog of its own, in front of the console's.
    if (request.headers.has("X-Gpuscale-Console")) response.headers.remove("WWW-Authenticate");
    if (!services.log.writes(log::Level::kDebug)) return response;
    services.log.debug("http.answered", {{"method", http::to_string(request.method)},
                                         {"path", request.path},
                                         {"query", loggable_query(request.query)},
                                         {"peer", request.peer},
                                         {"status", response.status},
                                         {"took", services.clock.mono() - begin}});
    return response;
  };
}

std::string loggable_query(const http::QueryParams& query) {
  constexpr std::array<std::string_view, 5> kSecret{"u", "p", "secret", "token", "password"};
  std::string out;
  for (const auto& [key, value] : query.items()) {
    if (!out.empty()) out += '&';
    const bool hidden = std::find(kSecret.begin(), kSecret.end(), key) != kSecret.end();
    out += key + "=" + (hidden ? "[REDACTED]" : key == "q" ? without_passwords(value) : value);
  }
  return out;
}

}  // namespace gpuscale::api
