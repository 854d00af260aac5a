// SPDX-License-Identifier: Apache-2.0
#include "cli/server_app.h"

#include <algorithm>
#include <thread>

#include "activity/ledger.h"
#include "alert/engine.h"
#include "api/auth.h"
#include "api/event_hub.h"
#include "api/node_devices.h"
#include "api/outcome.h"
#include "api/services.h"
#include "base/system_clock.h"
#include "cli/data_folder.h"
#include "cli/listen_address.h"
#include "cli/provider_factory.h"
#include "cli/roll_back_message.h"
#include "cli/store_upkeep.h"
#include "datasource/arrivals.h"
#include "datasource/embedded_source.h"
#include "datasource/source_set.h"
#include "db/database.h"
#include "declare/registry.h"
#include "http/server.h"
#include "influxql/engine.h"
#include "metrics/telemetry.h"
#include "notify/from_alert.h"
#include "notify/outbox.h"
#include "scaling/controller.h"
#include "scaling/formula_reader.h"
#include "scaling/pilot.h"
#include "scaling/store_telemetry.h"
#include "schedule/runner.h"
#include "tsdb/condense.h"
#include "tsdb/store.h"

namespace gpuscale::cli {
namespace {

constexpr std::string_view kMinutesPolicy = "minutes";  ///< of what is condensed
constexpr std::string_view kNodeTokenName = "local nodes";
constexpr std::chrono::seconds kStopGrace{5};
constexpr std::size_t kMostNodesAsked = 64;       ///< at once, for people who look at them
constexpr std::chrono::seconds kNodePatience{3};  ///< they wait for it

/// What the options say, checked against each other before anything is opened.
struct Checked {
  ListenAddress address;
  std::string scheme;
  declare::File file;
  config::Config config;  ///< of the file alone
};

/// The configuration's text, with where it comes from. `url` is what ${GPUSCALE_URL} stands for.
Result<declare::File> read_file(const ServeOptions& options, const std::function<std::string()>& url) {
  const config::Environment inner = options.environment ? options.environment : config::process_environment();
  declare::File file;
  file.environment = [inner, url](const std::string& name) {
    auto value = inner(name);
    return !value && name == "GPUSCALE_URL" ? std::optional(url()) : value;
  };
  if (!options.config_text.empty()) {
    file.text = options.config_text;
    file.name = "built-in config";
  } else if (!options.config_file.empty()) {
    file.name = options.config_file;
    GS_TRY(file.text, config::read_text(options.config_file));
  }
  return file;
}

/// Threads that read and write: more than a few would take from those that store and answer (measured on two
/// processors with 64 connections: two carry up to a twelfth more than one, three no more than two).
int io_threads_for(unsigned processors) {
  constexpr unsigned kMost = 4;
  return static_cast<int>(std::clamp(processors, 1U, kMost));
}

Result<Checked> check(const ServeOptions& options) {
  Checked checked;
  GS_TRY(checked.address, parse_listen_address(options.listen));
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return fail(Errc::kInvalidArgument, "--tls-certificate and --tls-key go together; give both or neither");
  }
  const bool tls = !options.tls_certificate.empty();
  checked.scheme = tls ? "https" : "http";
  if (options.no_auth && !checked.address.loopback()) {
    return fail(Errc::kInvalidArgument,
                "--no-auth is refused on " + options.listen +
                    ": everyone there could scale the pools; listen on 127.0.0.1 or leave it out");
  }
  if (!checked.address.loopback() && !tls && !options.insecure) {
    return fail(Errc::kInvalidArgument,
                "listening on " + options.listen +
                    " without TLS would send tokens in the clear; give --tls-certificate and "
                    "--tls-key, or --insecure to accept that");
  }
  const std::string url = checked.address.url(checked.scheme, checked.address.port);
  GS_TRY(checked.file, read_file(options, [url] { return url; }));
  GS_TRY(checked.config, config::parse(checked.file.text, checked.file.name, checked.file.environment));
  return checked;
}

/// The trigger channel's way: what the URL would do and answer, without a socket in between.
Result<notify::Receipt> pull_trigger(scaling::Controller& controller, const std::string& trigger,
                                     const notify::Message& message) {
  scaling::TriggerCall call;
  call.trigger = trigger;
  call.idempotency_key = message.idempotency;
  call.correlation = message.correlation;
  call.source = "rule " + message.rule;
  const auto outcome = controller.pull(call);
  if (outcome) {
    return notify::Receipt{
        api::status_of(outcome->verdict),
        api::to_json(*outcome).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
        outcome->retry_after};
  }
  if (outcome.error().code() == Errc::kNotFound)
    return notify::Receipt{404, outcome.error().message(), std::nullopt};
  return outcome.error();
}

Result<bool> pull_by_schedule(scaling::Controller& controller, const schedule::Pull& pulled) {
  scaling::TriggerCall call;
  call.trigger = pulled.trigger;
  call.step = pulled.step;
  call.idempotency_key = pulled.idempotency_key;
  call.correlation = pulled.correlation;
  call.source = pulled.source;
  GS_TRY(const auto outcome, controller.pull(call));
  return outcome.verdict == scaling::Verdict::kAccepted || outcome.verdict == scaling::Verdict::kUnchanged;
}

alert::Facts pool_facts(const scaling::Controller& controller, const std::string& name) {
  alert::Facts facts;
  for (const scaling::PoolStatus& pool : controller.pools()) {
    if (pool.spec.name != name) continue;
    facts = {{"ready_nodes", pool.counts.ready},
             {"capacity_nodes", pool.counts.capacity()},
             {"draining_nodes", pool.counts.draining},
             {"desired_nodes", pool.desired},
             {"min_nodes", pool.spec.min},
             {"max_nodes", pool.spec.max}};
  }
  return facts;
}

http::ClientRequest node_request(std::string url, const std::string& ca_file) {
  http::ClientRequest request;
  request.url = std::move(url);
  request.ca_file = ca_file;
  request.timeout = request.connect_timeout = kNodePatience;
  request.max_answer_bytes = api::kMostDevicesAnswer;
  return request;
}

/// A database that is there already keeps what its policies say.
Result<void> make_default_database(tsdb::Store& store, const config::StoreSpec& spec) {
  if (store.has_database(metrics::kDefaultDatabase)) return {};
  GS_CHECK(store.create_database(metrics::kDefaultDatabase, std::nullopt));
  if (spec.keep_samples.count() == 0) return {};
  return tsdb::begin_rollup(store, std::string(metrics::kDefaultDatabase), std::string(kMinutesPolicy),
                            spec.keep_samples, spec.keep_minutes);
}

influxql::QueryLimits query_limits_of(const config::StoreSpec& spec) {
  influxql::QueryLimits limits;
  limits.max_series = static_cast<std::size_t>(spec.max_select_series);
  limits.max_points = static_cast<std::size_t>(spec.max_select_points);
  if (spec.max_select_buckets > 0) {
    limits.max_buckets = static_cast<std::size_t>(spec.max_select_buckets);
    limits.begin_by_buckets = true;
  }
  return limits;
}

}  // namespace

/// Declared in the order of life: construction from top to bottom, destruction the other way.
struct ServerApp::Parts {
  Parts(log::Log log_in, DataFolder folder_in) : log(std::move(log_in)), folder(std::move(folder_in)) {}

  Result<void> open(const ServeOptions& options, const Checked& checked);
  Result<void> open_decisions(const ServeOptions& options, const Checked& checked);
  Result<void> listen(const ServeOptions& options, const Checked& checked);
  Result<void> open_declared(const ServeOptions& options);
  Result<void> begin();
  Result<void> apply(const config::Config& config, std::optional<config::Kind> changed);
  /// Why a pool must not be deleted now.
  std::optional<std::string> nodes_of(config::Kind kind, const std::string& name) const;
  Result<void> set_bounds(const std::map<std::string, schedule::Bounds>& bounds);
  void stop();

  log::Log log;
  DataFolder folder;
  base::SystemClock clock;
  std::function<void(const std::string&)> tell;
  std::string cluster;
  std::string url;

  std::unique_ptr<db::Database> state;
  std::unique_ptr<activity::Ledger> ledger;
  std::unique_ptr<tsdb::Store> store;
  std::unique_ptr<api::InfluxUsers> influx_users;
  std::unique_ptr<influxql::Engine> queries;
  std::unique_ptr<datasource::EmbeddedSource> source;
  std::unique_ptr<datasource::SourceSet> sources;  ///< it, and the declared ones
  datasource::Arrivals arrivals;
  std::unique_ptr<api::Auth> auth;
  std::unique_ptr<scaling::StoreTelemetry> telemetry;
  pool::CallMeter provider_calls;
  std::unique_ptr<ProviderFactory> providers;
  std::unique_ptr<scaling::Controller> controller;
  std::unique_ptr<scaling::DecisionJournal> journal;
  std::unique_ptr<scaling::Pilot> pilot;
  std::unique_ptr<notify::Outbox> outbox;
  std::mutex declared_mutex;          ///< guards these two
  std::vector<pool::PoolSpec> pools;  ///< as declared, before schedules
  std::vector<scaling::TriggerSpec> triggers;
  std::unique_ptr<schedule::Runner> schedules;
  std::unique_ptr<declare::Registry> declared;
  std::unique_ptr<alert::Engine> alerts;
  std::unique_ptr<api::EventHub> events;
  std::unique_ptr<api::DashboardStore> dashboards;
  std::unique_ptr<http::AsyncClient> nodes_client;  ///< asks nodes what people want to know of them
  std::unique_ptr<api::Services> services;
  std::atomic<bool> ready{false};
  std::unique_ptr<http::Server> server;

  std::unique_ptr<StoreUpkeep> upkeep;
  bool stopped = false;
};

Result<void> ServerApp::Parts::open(const ServeOptions& options, const Checked& checked) {
  cluster = checked.config.cluster;
  ServerIdentity ours;
  ours.cluster = cluster;
  ours.program = options.program;
  ours.nodes_folder = folder.file("nodes");
  ours.ca_file = options.tls_certificate;
  ours.url = [this] { return url; };
  GS_TRY(ours.installation, folder.lasting_random("installation.id", 6));
  GS_TRY(ours.node_token, folder.lasting_random("node.token", 24));
  const Secret node_token = ours.node_token;
  GS_TRY(state, db::Database::open(folder.file("state.db")));
  providers = std::make_unique<ProviderFactory>(std::move(ours), *state, provider_calls, clock, log);
  GS_TRY(ledger, activity::Ledger::open(*state));
  GS_TRY(store, tsdb::Store::open({.path = folder.file("metrics.db"), .limits = {}}, clock, log));
  GS_CHECK(make_default_database(*store, checked.config.store));
  GS_TRY(influx_users, api::InfluxUsers::open(*state, clock));
  queries = std::make_unique<influxql::Engine>(*store, influx_users.get());
  source = std::make_unique<datasource::EmbeddedSource>(*queries, std::string(metrics::kDefaultDatabase));
  sources = std::make_unique<datasource::SourceSet>(*source, checked.config.sources, clock);
  api::AuthOptions auth_options;
  auth_options.mode = options.no_auth ? api::AuthMode::kOff : api::AuthMode::kRequired;
  auth_options.admin_password = options.admin_password;
  GS_TRY(auto opened, api::Auth::open(*state, clock, auth_options));
  auth = std::move(opened.auth);
  if (opened.generated_password) {
    tell("The admin's password, shown this once: " + opened.generated_password->reveal());
  }
  return auth->ensure_token(std::string(kNodeTokenName), api::Scopes{api::Scope::kWrite}, node_token);
}

Result<void> ServerApp::Parts::open_decisions(const ServeOptions& options, const Checked& checked) {
  telemetry = std::make_unique<scaling::StoreTelemetry>(*store, checked.config.cluster);
  GS_TRY(controller,
         scaling::Controller::open(*state, *ledger, *telemetry, clock, log,
                                   [this](const pool::PoolSpec& spec) { return providers->make(spec); },
                                   {.fleet_max_gpus = checked.config.fleet_max_gpus,
                                    .errands = {notify::make_exec_sender(), notify::make_webhook_sender()}}));
  const auto pull = [this](const std::string& trigger, const notify::Message& message) {
    return pull_trigger(*controller, trigger, message);
  };
  GS_TRY(outbox, notify::Outbox::open(*state, *ledger, clock, log, notify::all_senders(pull)));
  GS_TRY(journal, scaling::DecisionJournal::open(*state));
  GS_TRY(pilot, scaling::Pilot::open(
                    {*state, *controller, *ledger, clock, log,
                     [this](const policy::Formula& formula, const scaling::PoolStatus& pool, WallTime now) {
                       return scaling::value_of(formula, pool, *source, now);
                     },
                     [this](const scaling::Promotion& promotion, WallTime now) {
                       return tell_roll_back(*outbox, promotion, now);
                     }}));
  GS_TRY(schedules,
         schedule::Runner::open(
             *state, *ledger, clock, log,
             {[this](const std::map<std::string, schedule::Bounds>& bounds) { return set_bounds(bounds); },
              [this](const schedule::Pull& pulled) { return pull_by_schedule(*controller, pulled); }}));
  GS_CHECK(open_declared(options));
  alert::EngineOptions engine_options;
  engine_options.muted = [this](const std::string& rule, WallTime) { return schedules->muted(rule); };
  engine_options.facts = [this](const std::string& pool) { return pool_facts(*controller, pool); };
  engine_options.stored_at = [this](WallTime sample) { return arrivals.of(sample); };
  GS_TRY(alerts, alert::Engine::open(*state, *ledger, *sources, clock, log, notify::sink_into(*outbox),
                                     engine_options));
  return {};
}

Result<void> ServerApp::Parts::listen(const ServeOptions& options, const Checked& checked) {
  events = std::make_unique<api::EventHub>(*ledger, clock, log);
  ledger->set_listener([this](const activity::Entry&) { events->notify(); });
  events->start();
  GS_TRY(dashboards, api::DashboardStore::open(*state, *ledger, clock));
  nodes_client = std::make_unique<http::AsyncClient>(kMostNodesAsked);
  services = std::make_unique<api::Services>(
      api::Services{.store = *store,
                    .queries = *queries,
                    .alerts = *alerts,
                    .outbox = *outbox,
                    .controller = *controller,
                    .ledger = *ledger,
                    .auth = *auth,
                    .events = *events,
                    .arrivals = arrivals,
                    .clock = clock,
                    .log = log,
                    .cluster = cluster,
                    .version = GPUSCALE_VERSION,
                    .started = clock.mono(),
                    .ready = [this] { return ready.load(); },
                    .declared = declared.get(),
                    .url = [this] { return url; },
                    .schedules = [this](std::size_t runs) { return schedules->status(runs); },
                    .pilot = pilot.get(),
                    .journal = journal.get(),
                    .provider_calls = &provider_calls,
                    .sources = sources.get(),
                    .dashboards = dashboards.get(),
                    .ask_node =
                        [this, ca_file = options.tls_certificate](std::string node_url, auto done) {
                          nodes_client->send(node_request(std::move(node_url), ca_file), std::move(done));
                        },
                    .influx_users = influx_users.get(),
                    .query_limits = query_limits_of(checked.config.store),
                    .create_default_policy = checked.config.store.retention_autocreate,
                    .influx_health = checked.config.store.health,
                    .http_stats = [this] { return server ? server->stats() : http::ServerStats{}; }});
  http::ServerOptions server_options;
  server_options.address = checked.address.host;
  server_options.port = checked.address.port;
  server_options.at_once = api::answered_at_once;
  server_options.io_threads = io_threads_for(std::thread::hardware_concurrency());
  if (!options.tls_certificate.empty())
    server_options.tls = http::TlsFiles{options.tls_certificate, options.tls_key};
  GS_TRY(server, http::Server::start(server_options, api::make_handler(*services), log));
  url = checked.address.url(checked.scheme, server->port());
  return {};
}

Result<void> ServerApp::Parts::open_declared(const ServeOptions& options) {
  GS_TRY(const auto definitions, declare::DefinitionStore::open(*state));
  GS_TRY(const bool sealed, definitions.holds_secrets());
  const bool own_key = options.secret_key_file.empty();
  declare::Vault vault =
      declare::Vault::open(own_key ? folder.file("secret.key") : options.secret_key_file, own_key && !sealed);
  if (!vault.key) log.error("secrets.no_key", {{"error", vault.trouble}});
  // With port 0 it is known only later where we are: before start() nobody asks.
  GS_TRY(declare::File file, read_file(options, [this] { return url; }));
  GS_TRY(declared,
         declare::Registry::open(
             *state, *ledger, clock, log, std::move(vault), std::move(file),
             {[this](const config::Config& config, std::optional<config::Kind> changed) {
                return apply(config, changed);
              },
              [this](config::Kind kind, const std::string& name) { return nodes_of(kind, name); },
              [this](const config::Config& next) { return pilot->keeps_from_change(next.policies); }}));
  return {};
}

Result<void> ServerApp::Parts::begin() {
  GS_CHECK(declared->start());
  outbox->start();
  controller->start();
  pilot->start();
  schedules->start();
  alerts->start();
  upkeep = std::make_unique<StoreUpkeep>(*store, *queries, clock, log);
  upkeep->start();
  ready = true;
  log.info("server.started", {{"url", url},
                              {"data", folder.path()},
                              {"pools", controller->pools().size()},
                              {"rules", alerts->status().size()}});
  return {};
}

/// Pools before what scales them, channels before the rules that tell them.
Result<void> ServerApp::Parts::apply(const config::Config& config, std::optional<config::Kind> changed) {
  using config::Kind;
  bool same_sizes = changed == Kind::kRules || changed == Kind::kChannels || changed == Kind::kPolicies;
  {
    const std::scoped_lock lock(declared_mutex);
    // A rule that grows a pool may state the pool's ceiling.
    for (std::size_t i = 0; same_sizes && i < pools.size(); ++i)
      same_sizes = pools[i].scale_in.ceiling == config.pools.at(i).scale_in.ceiling;
    pools = config.pools;
    triggers = config.triggers;
  }
  // Configures the controller with the bounds that hold now.
  if (!same_sizes) GS_CHECK(schedules->configure(config.schedules, config.pools));
  {
    // What was given once must not come back over a secret that was rotated meanwhile.
    const std::scoped_lock lock(declared_mutex);
    for (scaling::TriggerSpec& trigger : triggers)
      if (trigger.secret_given_once) trigger.secret = Secret();
  }
  GS_CHECK(pilot->set_policies(config.policies));
  GS_CHECK(outbox->set_channels(config.channels));
  return alerts->set_rules(config.rules);
}

std::optional<std::string> ServerApp::Parts::nodes_of(config::Kind kind, const std::string& name) const {
  if (kind != config::Kind::kPools) return std::nullopt;
  const std::size_t nodes = controller->nodes(name).size();
  if (nodes == 0) return std::nullopt;
  return "pool " + name + " has " + std::to_string(nodes) +
         " nodes; set its min to 0 and its size to 0, and wait until they have gone";
}

Result<void> ServerApp::Parts::set_bounds(const std::map<std::string, schedule::Bounds>& bounds) {
  std::vector<pool::PoolSpec> bounded;
  std::vector<scaling::TriggerSpec> pulled;
  {
    const std::scoped_lock lock(declared_mutex);
    bounded = pools;
    pulled = triggers;
  }
  for (pool::PoolSpec& pool : bounded) {
    if (const auto found = bounds.find(pool.name); found != bounds.end()) {
      pool.min = found->second.min;
      pool.max = found->second.max;
    }
  }
  GS_TRY(const auto made, controller->configure(std::move(bounded), std::move(pulled)));
  for (const auto& [trigger, secret] : made) {
    if (ready) {
      // Nobody looks any more.
      log.warn("trigger.secret_made", {{"trigger", trigger}, {"mend", "gpuscale trigger rotate shows one"}});
      continue;
    }
    tell("The secret of trigger " + trigger + ", shown this once: " + secret.reveal());
  }
  return {};
}

void ServerApp::Parts::stop() {
  if (std::exchange(stopped, true)) return;
  ready = false;
  if (alerts) alerts->stop();
  if (schedules) schedules->stop();
  if (outbox) outbox->stop();
  if (pilot) pilot->stop();
  if (controller) controller->stop();
  if (events) events->stop();
  if (server) server->stop(kStopGrace);
  if (upkeep) upkeep->stop();
  // Writes on their way answer through what is taken down next.
  if (store) {
    if (const auto done = store->flush(); !done) log.warn("store.not_sealed", {{"error", done.error()}});
  }
}

ServerApp::ServerApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ServerApp::~ServerApp() {
  stop();
}

Result<std::unique_ptr<ServerApp>> ServerApp::start(ServeOptions options, log::Log log) {
  GS_TRY(Checked checked, check(options));
  GS_TRY(DataFolder folder, DataFolder::open(options.data));
  auto app =
      std::unique_ptr<ServerApp>(new ServerApp(std::make_unique<Parts>(std::move(log), std::move(folder))));
  Parts& parts = *app->parts_;
  parts.tell = options.tell ? options.tell : [](const std::string&) {};
  GS_CHECK(parts.open(options, checked));
  GS_CHECK(parts.open_decisions(options, checked));
  GS_CHECK(parts.listen(options, checked));
  GS_CHECK(parts.begin());
  return app;
}

std::string ServerApp::url() const {
  return parts_->url;
}

Result<void> ServerApp::shut_down_nodes(std::chrono::milliseconds patience) {
  return parts_->controller->shut_down_nodes(patience);
}

void ServerApp::stop() {
  parts_->stop();
}

}  // namespace gpuscale::cli
