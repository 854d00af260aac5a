// SPDX-License-Identifier: Apache-2.0
#include "api/influx.h"

namespace gpuscale::api {

namespace {

/// Prometheus' remote read and write are not offered. A body that cannot be one is refused in InfluxDB's
/// words; any other with a plain no, so that no sender believes its samples were kept.
http::Response refuse(const http::Request& request) {
  if (request.body.empty()) return influx_error(request, 400, "snappy: corrupt input");
  return influx_error(
      request, 501,
      "Prometheus remote read and write are not offered; send InfluxDB line protocol to /write");
}

}  // namespace

void register_influx_prometheus(Routes& routes) {
  for (const char* path : {"/api/v1/prom/read", "/api/v1/prom/write"}) {
    add_influx_route(routes, path, {http::Method::kPost}, "POST, OPTIONS", refuse);
  }
}

}  // namespace gpuscale::api
