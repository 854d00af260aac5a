// SPDX-License-Identifier: Apache-2.0
#include "api/routes.h"

namespace gpuscale::api {

namespace {

constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gpuscale</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
code { font-family: ui-monospace, monospace; }
td { padding: .2rem 1rem .2rem 0; vertical-align: top; }
</style>
</head>
<body>
<h1>gpuscale</h1>
<p>This server scales pools of GPU nodes on the GPUs' own metrics. It stores what agents measure, judges it by rules,
and adds or removes nodes through triggers. It is at work; this page is only a signpost.</p>
<table>
<tr><td><a href="/api/v1/status">/api/v1/status</a></td><td>everything at a glance (JSON)</td></tr>
<tr><td><a href="/api/v1/pools">/api/v1/pools</a></td><td>pools: bounds, desired size, nodes by state</td></tr>
<tr><td><a href="/api/v1/nodes">/api/v1/nodes</a></td><td>nodes, their load, and who would be taken next</td></tr>
<tr><td><a href="/api/v1/rules">/api/v1/rules</a></td><td>rules and what they see</td></tr>
<tr><td><a href="/api/v1/activity">/api/v1/activity</a></td><td>what was decided, done, and why</td></tr>
<tr><td><a href="/api/v1/openapi.json">/api/v1/openapi.json</a></td><td>every call (OpenAPI)</td></tr>
<tr><td><a href="/metrics">/metrics</a></td><td>this server's own metrics (Prometheus)</td></tr>
<tr><td><code>/write</code>, <code>/query</code></td><td>InfluxDB 1.x: point Telegraf, Grafana or <code>influx</code> here</td></tr>
<tr><td><code>/hook/trigger</code></td><td>for Grafana, Alertmanager, cron or curl: pull a trigger</td></tr>
</table>
<p>On a terminal: <code>gpuscale pool list</code>, <code>gpuscale node list</code>, <code>gpuscale activity</code>.</p>
</body>
</html>
)html";

http::Response page(const http::Request&) {
  http::Response response = http::Response::text(200, std::string(kPage));
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  response.headers.set("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

void register_landing(Routes& routes) {
  routes.add_plain(http::Method::kGet, "/", page);
}

}  // namespace gpuscale::api
