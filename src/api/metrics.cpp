// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "api/answers.h"
#include "api/influx.h"
#include "metrics/exposition.h"

namespace gpuscale::api {

namespace {

using metrics::Exposition;
using Labels = Exposition::Labels;

std::string upper_name(http::Method method) {
  return std::string(http::to_string(method));
}

void show_store(Exposition& out, const tsdb::StoreStats& stats) {
  out.counter("gpuscale_store_points_written_total", "Points stored", stats.points_written);
  out.counter("gpuscale_store_points_dropped_total", "Points refused", stats.points_dropped);
  out.counter("gpuscale_store_condensed_points_dropped_total",
              "Of these, minutes of expiring samples, which nothing keeps", stats.condensed_dropped);
  out.counter("gpuscale_store_commits_total", "Commits to disk", stats.commits);
  out.gauge("gpuscale_store_series", "Series known", static_cast<double>(stats.series));
  out.gauge("gpuscale_store_memory_bytes", "Samples held in memory", static_cast<double>(stats.memory_bytes));
  out.gauge("gpuscale_store_disk_bytes", "Size on disk", static_cast<double>(stats.disk_bytes));
}

void show_routes(Exposition& out, const std::deque<RouteCounters>& routes) {
  out.family("gpuscale_http_requests_total", "counter", "Requests answered, by route and class of status");
  for (const RouteCounters& route : routes) {
    for (std::size_t i = 0; i < route.by_class.size(); ++i) {
      const std::uint64_t count = route.by_class[i];
      if (count == 0) continue;
      out.sample("gpuscale_http_requests_total",
                 {{"method", upper_name(route.method)},
                  {"route", route.pattern},
                  {"status", std::to_string(i) + "xx"}},
                 static_cast<double>(count));
    }
  }
  out.family("gpuscale_http_handler_seconds_total", "counter", "Time spent in handlers, by route");
  for (const RouteCounters& route : routes) {
    const std::uint64_t busy = route.busy_ns;
    if (busy == 0) continue;
    out.sample("gpuscale_http_handler_seconds_total",
               {{"method", upper_name(route.method)}, {"route", route.pattern}},
               static_cast<double>(busy) / 1e9);
  }
}

void show_pools(Exposition& out, const std::vector<scaling::PoolStatus>& pools) {
  out.family("gpuscale_pool_nodes", "gauge", "Nodes by pool and state");
  for (const auto& pool : pools) {
    const auto sample = [&](const char* state, int count) {
      out.sample("gpuscale_pool_nodes", {{"pool", pool.spec.name}, {"state", state}}, count);
    };
    sample("launching", pool.counts.launching);
    sample("booting", pool.counts.booting);
    sample("ready", pool.counts.ready);
    sample("draining", pool.counts.draining);
  }
  const auto each = [&](const char* name, const char* help, auto value) {
    out.family(name, "gauge", help);
    for (const auto& pool : pools) out.sample(name, {{"pool", pool.spec.name}}, value(pool));
  };
  each("gpuscale_pool_desired", "Nodes wanted", [](const auto& pool) { return pool.desired; });
  each("gpuscale_pool_parked", "Draining nodes that are kept to return at once",
       [](const auto& pool) { return pool.counts.parked; });
  each("gpuscale_pool_min", "Lower bound", [](const auto& pool) { return pool.spec.min; });
  each("gpuscale_pool_max", "Upper bound", [](const auto& pool) { return pool.spec.max; });
}

void show_provider_calls(Exposition& out, const pool::CallMeter& meter) {
  const auto counts = meter.counts();
  const auto each = [&](const char* name, const char* help, auto value) {
    out.family(name, "counter", help);
    for (const auto& [key, calls] : counts)
      out.sample(name, {{"pool", key.first}, {"verb", key.second}}, value(calls));
  };
  each("gpuscale_provider_calls_total", "Calls to the pool's provider",
       [](const pool::CallCounts& calls) { return static_cast<double>(calls.calls); });
  each("gpuscale_provider_call_seconds_total", "Time spent in them",
       [](const pool::CallCounts& calls) { return calls.seconds; });
  out.family("gpuscale_provider_errors_total", "counter", "Of these, those that failed, by kind");
  for (const auto& [key, calls] : counts) {
    for (const auto& [kind, count] : calls.errors) {
      out.sample("gpuscale_provider_errors_total",
                 {{"pool", key.first}, {"verb", key.second}, {"kind", kind}}, static_cast<double>(count));
    }
  }
}

void show_sources(Exposition& out, const datasource::SourceSet& sources) {
  const auto counts = sources.counts();
  const auto each = [&](const char* name, const char* type, const char* help, auto value) {
    out.family(name, type, help);
    for (const datasource::SourceCounts& source : counts)
      out.sample(name, {{"source", source.name}}, static_cast<double>(value(source)));
  };
  each("gpuscale_source_questions_total", "counter", "Questions of rules to a store that is not ours",
       [](const auto& source) { return source.questions; });
  each("gpuscale_source_errors_total", "counter", "Of these, those that failed",
       [](const auto& source) { return source.failed; });
  each("gpuscale_source_unanswered", "gauge", "Of these, those that have no answer yet",
       [](const auto& source) { return source.unanswered; });
}

void show_rules(Exposition& out, const std::vector<alert::RuleStatus>& rules) {
  out.family("gpuscale_rule_state", "gauge", "1 for the state that the rule is in");
  for (const auto& rule : rules) {
    out.sample("gpuscale_rule_state",
               {{"rule", rule.spec.name}, {"state", std::string(to_string(rule.state))}}, 1);
  }
  out.family("gpuscale_rule_failing", "gauge", "1 where the last evaluation failed");
  for (const auto& rule : rules) {
    out.sample("gpuscale_rule_failing", {{"rule", rule.spec.name}}, rule.last_error.empty() ? 0 : 1);
  }
}

void show_outbox(Exposition& out, const notify::Outbox& outbox) {
  constexpr std::size_t kLooked = 100;
  out.family("gpuscale_outbox_recent_deliveries", "gauge",
             "The newest 100 deliveries of a channel, by state");
  for (const auto& channel : outbox.channels()) {
    const auto deliveries = outbox.deliveries(channel.name, kLooked);
    if (!deliveries) continue;
    std::map<std::string, int, std::less<>> by_state;
    for (const auto& delivery : *deliveries) ++by_state[std::string(to_string(delivery.state))];
    for (const auto& [state, count] : by_state) {
      out.sample("gpuscale_outbox_recent_deliveries", {{"channel", channel.name}, {"state", state}}, count);
    }
  }
}

http::Response show(const Services& services, const std::deque<RouteCounters>& routes) {
  Exposition out;
  out.family("gpuscale_info", "gauge", "Version and cluster of this server");
  out.sample("gpuscale_info", {{"version", services.version}, {"cluster", services.cluster}}, 1);
  out.gauge("gpuscale_uptime_seconds", "Since the start",
            seconds_of(services.clock.mono() - services.started));
  show_store(out, services.store.stats());
  if (services.http_stats) {
    const http::ServerStats stats = services.http_stats();
    out.gauge("gpuscale_http_connections", "Connections open", static_cast<double>(stats.connections));
    out.counter("gpuscale_http_received_total", "Requests received", stats.requests);
    out.counter("gpuscale_http_refused_total", "Requests and connections refused by a limit", stats.refused);
  }
  show_routes(out, routes);
  out.gauge("gpuscale_event_listeners", "Listeners to live events",
            static_cast<double>(services.events.listeners()));
  show_pools(out, services.controller.pools());
  if (services.provider_calls != nullptr) show_provider_calls(out, *services.provider_calls);
  if (services.sources != nullptr) show_sources(out, *services.sources);
  show_rules(out, services.alerts.status());
  show_outbox(out, services.outbox);
  http::Response response = http::Response::text(200, out.text());
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

http::Response guarded(const Services& services, const std::deque<RouteCounters>& routes,
                       const http::Request& request) {
  const auto principal = influx_principal(services.auth, request);
  if (!principal) return influx_error(request, 401, principal.error().message());
  if (!principal->scopes.allow(Scope::kRead))
    return influx_error(request, 403, principal->name + " lacks the scope \"read\"");
  return show(services, routes);
}

}  // namespace

void register_metrics(Routes& routes) {
  Services& services = routes.services();
  routes.add_plain(
      http::Method::kGet, "/metrics",
      with_influx_headers([&services, counters = routes.counters()](const http::Request& request) {
        return guarded(services, *counters, request);
      }));
}

}  // namespace gpuscale::api
