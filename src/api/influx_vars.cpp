// SPDX-License-Identifier: Apache-2.0
/// /debug/vars: what Telegraf's inputs.influxdb reads, made of SHOW STATS and SHOW DIAGNOSTICS.
#include "api/answers.h"
#include "api/influx.h"

namespace gpuscale::api {

namespace {

using influxql::Row;
using nlohmann::ordered_json;

ordered_json values_of(const Row& row) {
  ordered_json out = ordered_json::object();
  for (const std::span<const influxql::Cell> cells : row.values) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (const auto* number = std::get_if<std::int64_t>(&cells[i])) out[row.columns.list()[i]] = *number;
      if (const auto* text = std::get_if<std::string>(&cells[i])) out[row.columns.list()[i]] = *text;
    }
  }
  return out;
}

/// Here the uptime is a number of seconds.
ordered_json system_of(const ordered_json& shown, WallTime now) {
  const auto started = base::parse_rfc3339(shown["started"].get<std::string>());
  const auto up = started ? std::chrono::duration_cast<std::chrono::seconds>(now - *started).count() : 0;
  return {{"currentTime", shown["currentTime"]}, {"started", shown["started"]}, {"uptime", up}};
}

http::Response vars(Services& services, const http::Request& request) {
  const auto caller = influx_caller(services, request);
  if (!caller) return influx_error(request, 401, caller.error().message());
  // As SHOW STATS, which says the same.
  if (!caller->is_admin()) return influx_error(request, 403, "admin privilege required");
  influxql::QueryContext context;
  context.now = services.clock.wall();
  context.limits = services.query_limits;
  const auto results = services.queries.execute("SHOW DIAGNOSTICS FOR 'system'; SHOW STATS", context);
  if (!results) return influx_error(request, 500, results.error().message());
  ordered_json out;
  for (const Row& row : results->front().rows) out["system"] = system_of(values_of(row), context.now);
  out["cmdline"] = {"gpuscale"};  // the rest may hold secrets
  const tsdb::StoreStats stats = services.store.stats();
  out["memstats"] = {{"Alloc", stats.memory_bytes}, {"HeapAlloc", stats.memory_bytes}};
  for (const Row& row : results->back().rows) {
    ordered_json entry = {{"name", row.name}, {"tags", nullptr}, {"values", values_of(row)}};
    std::string key = row.name;
    for (const auto& tag : row.tags) {
      entry["tags"][tag.key] = tag.value;
      key += ":" + tag.value;
    }
    out[key] = std::move(entry);
  }
  return influx_answer(ResultForm::kJson,
                       out.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace

void register_influx_vars(Routes& routes) {
  Services& services = routes.services();
  add_influx_route(routes, "/debug/vars", {http::Method::kGet}, "GET",
                   [&services](const http::Request& request) { return vars(services, request); });
}

}  // namespace gpuscale::api
