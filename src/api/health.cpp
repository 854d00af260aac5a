// SPDX-License-Identifier: Apache-2.0
#include "api/routes.h"

namespace gpuscale::api {

void register_health(Routes& routes) {
  Services& services = routes.services();
  routes.add_plain(http::Method::kGet, "/healthz",
                   [](const http::Request&) { return http::Response::text(200, "ok\n"); });
  routes.add_plain(http::Method::kGet, "/readyz", [&services](const http::Request&) {
    const bool ready = !services.ready || services.ready();
    return ready ? http::Response::text(200, "ok\n") : http::Response::text(503, "not ready\n");
  });
}

}  // namespace gpuscale::api
