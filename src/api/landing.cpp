// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/console_files.h"
#include "api/influx.h"
#include "api/routes.h"

namespace gpuscale::api {

namespace {

/// What stands at / in a binary that was built without the console.
constexpr std::string_view kSignpost = R"html(<!doctype html>
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
and adds or removes nodes through triggers. It is at work, but this binary was built without the web console:
<code>scripts/build release</code> builds one that has it.</p>
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

http::Response not_found(const http::Request& request) {
  if (request.path.starts_with("/api/")) {
    return error_answer(
        fail(Errc::kNotFound, "no such path: " + request.path + "; see /api/v1/openapi.json"));
  }
  return http::Response::text(404, "404 page not found\n");
}

http::Response signpost() {
  http::Response response = http::Response::text(200, std::string(kSignpost));
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  response.headers.set("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

void register_landing(Routes& routes) {
  auto parsed = ConsoleFiles::parse(console_pack());
  if (!parsed) routes.services().log.error("console.broken", {{"error", parsed.error()}});
  auto files = std::make_shared<const ConsoleFiles>(parsed ? *std::move(parsed) : ConsoleFiles());
  routes.add_plain(http::Method::kGet, "/", [files](const http::Request& request) {
    return files->empty() ? signpost() : files->page(request);
  });
  // A page of the console that is opened by its address, or one of its files; else InfluxDB's 404.
  routes.set_fallback([files, nothing = with_influx_headers(not_found)](const http::Request& request) {
    if (auto file = files->file(request)) return *std::move(file);
    const bool ours = !request.path.starts_with("/api/") && !request.path.starts_with("/assets/");
    if (!files->empty() && ours && is_navigation(request)) return files->page(request);
    return nothing(request);
  });
}

}  // namespace gpuscale::api
