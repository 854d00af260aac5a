// SPDX-License-Identifier: Apache-2.0
/// The whole room over fakes: state in memory, a clock that stands still, calls by value.
#pragma once
#include <cstdlib>
#include <future>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "api/routes.h"
#include "api/services.h"
#include "api/testing/fake_alerts.h"
#include "api/testing/fake_controller.h"
#include "api/testing/fake_store.h"
#include "base/testing/manual_clock.h"

namespace gpuscale::api::testing {

constexpr const char* kAdminPassword = "correct horse";

/// What a test must have to go on; a failure here is the test's own, so it ends the program.
template <typename T>
T must(Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

class TestApi {
 public:
  explicit TestApi(AuthMode mode = AuthMode::kRequired) : TestApi(mode, nullptr) {}
  /// Over a store of the test's own.
  TestApi(AuthMode mode, std::unique_ptr<tsdb::Store> own_store)
      : state(must(db::Database::open(":memory:"))),
        ledger(must(activity::Ledger::open(*state))),
        auth(must(Auth::open(*state, clock, {mode, password_for(mode)})).auth),
        store_in_use(own_store ? std::move(own_store) : std::make_unique<FakeStore>()),
        influx_users(must(InfluxUsers::open(*state, clock))),
        queries(*store_in_use, influx_users.get()),
        events(*ledger, clock, log::Log::silent()),
        services{.store = *store_in_use,
                 .queries = queries,
                 .alerts = alerts,
                 .outbox = outbox,
                 .controller = controller,
                 .ledger = *ledger,
                 .auth = *auth,
                 .events = events,
                 .arrivals = arrivals,
                 .clock = clock,
                 .log = log::Log::silent(),
                 .cluster = "test",
                 .version = "9.9.9",
                 .started = clock.mono(),
                 .influx_users = influx_users.get()},
        handler(make_handler(services)) {}

  FakeStore& store() { return dynamic_cast<FakeStore&>(*store_in_use); }

  /// Waits for answers that come later.
  http::Response send(http::Request request) const {
    http::Response response = handler(request);
    if (!response.later) return response;
    struct Kept final : http::Responder {
      void respond(http::Response answer) override { promise.set_value(std::move(answer)); }
      std::promise<http::Response> promise;
    };
    const auto kept = std::make_shared<Kept>();
    response.later(kept);
    return kept->promise.get_future().get();
  }

  /// `target` = path and query. As admin unless `headers` name somebody else.
  http::Response call(http::Method method, const std::string& target, const std::string& body = "",
                      http::Headers headers = {}) const {
    if (!headers.has("Authorization") && auth->mode() == AuthMode::kRequired) {
      headers.set("Authorization", "Basic " + base::base64_encode(std::string("admin:") + kAdminPassword));
    }
    return send(request(method, target, body, std::move(headers)));
  }
  http::Response get(const std::string& target) const { return call(http::Method::kGet, target); }

  static http::Request request(http::Method method, const std::string& target, const std::string& body = "",
                               http::Headers headers = {}) {
    http::Request request;
    request.method = method;
    const std::size_t mark = target.find('?');
    request.raw_path = target.substr(0, mark);
    request.path = http::url_decode(request.raw_path);
    if (mark != std::string::npos) request.query = http::QueryParams::parse(target.substr(mark + 1));
    request.headers = std::move(headers);
    request.body = body;
    request.peer = "127.0.0.1";
    return request;
  }

  std::string bearer(Scope scope) {
    const std::string name(to_string(scope));
    return "Bearer " + must(auth->create_token(name, {scope})).token.reveal();
  }
  std::vector<activity::Entry> activity(const std::string& kind) const {
    activity::Filter filter;
    filter.kind_prefix = kind;
    return must(ledger->query(filter));
  }

  base::testing::ManualClock clock;
  std::unique_ptr<db::Database> state;
  std::unique_ptr<activity::Ledger> ledger;
  std::unique_ptr<Auth> auth;
  std::unique_ptr<tsdb::Store> store_in_use;
  std::unique_ptr<InfluxUsers> influx_users;
  influxql::Engine queries;
  FakeAlerts alerts;
  FakeOutbox outbox;
  FakeController controller;
  EventHub events;
  datasource::Arrivals arrivals;
  Services services;
  http::RequestHandler handler;

 private:
  static std::optional<Secret> password_for(AuthMode mode) {
    return mode == AuthMode::kRequired ? std::optional(Secret(kAdminPassword)) : std::nullopt;
  }
};

inline nlohmann::json parsed(const http::Response& response) {
  return nlohmann::json::parse(response.body, nullptr, false);
}

}  // namespace gpuscale::api::testing
