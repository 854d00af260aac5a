// SPDX-License-Identifier: Apache-2.0
/// The list of what this room answers. Each resource's file registers its operations here; the scope check,
/// the counters and the OpenAPI document all come from the same entry, so they cannot drift apart.
#pragma once
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/scopes.h"
#include "api/services.h"
#include "http/router.h"

namespace gpuscale::api {

/// One key of a JSON body, or one parameter of the query.
struct Key {
  std::string name;
  std::string type;  ///< JSON Schema's: "integer", "string", "boolean", "array"
  std::string help;
  bool required = false;
};

struct Operation {
  http::Method method = http::Method::kGet;
  std::string pattern;
  std::optional<Scope> scope;  ///< nullopt = open to everyone
  std::string summary;
  std::vector<Key> query;  ///< every parameter taken; others are refused by name
  std::vector<Key> body;   ///< every key taken; others are refused by name
};

/// Handles a call that is already known to be allowed.
using ScopedHandler = std::function<http::Response(const http::Request&, const Principal&)>;

struct RouteCounters {
  http::Method method;
  std::string pattern;
  std::array<std::atomic<std::uint64_t>, 6> by_class{};  ///< [2] = answers with a status of 2xx
  std::atomic<std::uint64_t> busy_ns{0};
};

class Routes {
 public:
  explicit Routes(Services& services);

  /// One of our own resources: checks credentials, scope, origin and the names of the query's parameters
  /// first.
  void add(Operation operation, ScopedHandler handler);
  /// A path whose handler does all that itself (InfluxDB's endpoints, the trigger, pages).
  void add_plain(http::Method method, std::string_view pattern, http::Handler handler);
  /// As add_plain(), and documented.
  void add_documented(Operation operation, http::Handler handler);

  /// Answers where no pattern fits.
  void set_fallback(http::Handler handler) { router_.set_fallback(std::move(handler)); }

  Services& services() { return services_; }
  /// Complete once every resource has registered; shared with the handlers that show it.
  std::shared_ptr<const std::vector<Operation>> operations() const { return operations_; }
  std::shared_ptr<const std::deque<RouteCounters>> counters() const { return counters_; }
  http::Router take_router() { return std::move(router_); }

 private:
  Services& services_;
  http::Router router_;
  std::shared_ptr<std::vector<Operation>> operations_ = std::make_shared<std::vector<Operation>>();
  std::shared_ptr<std::deque<RouteCounters>> counters_ = std::make_shared<std::deque<RouteCounters>>();
};

void register_influx_write(Routes& routes);
void register_influx_query(Routes& routes);
void register_influx_ping(Routes& routes);
void register_influx_vars(Routes& routes);
void register_influx_prometheus(Routes& routes);
void register_hook_trigger(Routes& routes);
void register_status(Routes& routes);
void register_policies(Routes& routes);
void register_pools(Routes& routes);
void register_nodes(Routes& routes);
void register_node_devices(Routes& routes);
void register_rules(Routes& routes);
void register_channels(Routes& routes);
void register_triggers(Routes& routes);
void register_schedules(Routes& routes);
void register_declared(Routes& routes);
void register_dashboards(Routes& routes);
void register_channel_probe(Routes& routes);
void register_activity(Routes& routes);
void register_replay(Routes& routes);
void register_events(Routes& routes);
void register_tokens(Routes& routes);
void register_session(Routes& routes);
void register_openapi(Routes& routes);
void register_metrics(Routes& routes);
void register_health(Routes& routes);
void register_landing(Routes& routes);

/// Every operation that make_router() serves, as the OpenAPI document lists them.
std::vector<Operation> documented_operations(Services& services);

}  // namespace gpuscale::api
