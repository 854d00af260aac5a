// SPDX-License-Identifier: Apache-2.0
/// Everything this room answers from, as references that outlive the router, and the way from there to a
/// handler for http::Server. Start at make_handler().
#pragma once
#include <functional>
#include <string>

#include "activity/ledger.h"
#include "alert/engine.h"
#include "api/auth.h"
#include "api/dashboard_store.h"
#include "api/event_hub.h"
#include "api/influx_users.h"
#include "base/time.h"
#include "datasource/arrivals.h"
#include "datasource/source_set.h"
#include "declare/registry.h"
#include "http/client.h"
#include "http/router.h"
#include "http/server.h"
#include "influxql/engine.h"
#include "log/log.h"
#include "notify/outbox.h"
#include "pool/decorators/call_meter.h"
#include "scaling/controller.h"
#include "scaling/pilot.h"
#include "schedule/runner.h"
#include "tsdb/store.h"

namespace gpuscale::api {

struct Services {
  tsdb::Store& store;
  const influxql::Engine& queries;
  alert::Engine& alerts;
  notify::Outbox& outbox;
  scaling::Controller& controller;
  activity::Ledger& ledger;
  Auth& auth;
  EventHub& events;
  datasource::Arrivals& arrivals;  ///< told of every write to the default database
  const Clock& clock;
  log::Log log;
  std::string cluster;
  std::string version;
  MonoTime started;  ///< for uptime_seconds
  std::function<bool()> ready = [] { return true; };
  declare::Registry* declared = nullptr;  ///< may be absent: nothing is made through the API then
  std::function<std::string()> url = [] {
    return std::string();
  };  ///< where callers reach this server, for URLs that it shows
  /// The schedules with so many next runs each; may be empty = there are none.
  std::function<std::vector<schedule::ScheduleStatus>(std::size_t runs)> schedules;
  scaling::Pilot* pilot = nullptr;                    ///< may be absent: no policies then
  const scaling::DecisionJournal* journal = nullptr;  ///< may be absent: nothing is replayed then
  const pool::CallMeter* provider_calls = nullptr;    ///< may be absent: none are counted then
  const datasource::SourceSet* sources = nullptr;     ///< may be absent: none are counted then
  DashboardStore* dashboards = nullptr;               ///< may be absent: none are kept then
  /// GET `url` of a node's own endpoint, never blocking; may be empty = nodes are not asked.
  std::function<void(std::string url, std::function<void(Result<http::ClientResponse>)> done)> ask_node;
  InfluxUsers* influx_users = nullptr;            ///< may be absent: InfluxDB's endpoints then know none
  influxql::QueryLimits query_limits;             ///< of /query
  bool create_default_policy = true;              ///< with a database that is made over /query
  bool influx_health = true;                      ///< false: /health is not found, as in InfluxDB 1.6
  std::function<http::ServerStats()> http_stats;  ///< may be empty; the server exists only after its handler
};

/// Every route. `services` outlives the router.
http::Router make_router(Services& services);

/// make_router() behind what every answer gets: a log line (never with a secret). This is what http::Server
/// runs.
http::RequestHandler make_handler(Services& services);

/// Whether the handler of a request never waits, for http::ServerOptions::at_once: the writes of agents, a
/// few lines with a token.
bool answered_at_once(const http::Request& request);

/// The query of a request as logs may show it: the values of u, p, secret, token and password, and passwords
/// inside `q`, read "[REDACTED]".
std::string loggable_query(const http::QueryParams& query);

}  // namespace gpuscale::api
