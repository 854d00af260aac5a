// SPDX-License-Identifier: Apache-2.0
#include "load/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "http/server.h"

namespace gpuscale::load {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Counts = std::map<std::string, std::uint64_t>;

/// Waits for what happens on other threads; false after ten seconds.
bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

std::unique_ptr<http::Server> serve(http::Handler handler) {
  http::ServerOptions options;
  options.handler_threads = 8;
  return http::Server::start(options, std::move(handler), log::Log::silent()).value();
}

std::string url_of(const http::Server& server) {
  return "http://127.0.0.1:" + std::to_string(server.port());
}

/// A node's /infer as the agent serves it. While shut, accepted requests wait.
class FakeNode {
 public:
  enum class Mode { kServe, kDrain, kFail, kReject };

  FakeNode() : server_(serve([this](const http::Request& request) { return answer(request); })) {}
  ~FakeNode() {
    open();
    server_->stop(0ms);
  }

  std::string url() const { return url_of(*server_); }
  void set(Mode mode) { mode_ = mode; }
  void shut() {
    const std::lock_guard lock(mutex_);
    shut_ = true;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    shut_ = false;
    opened_.notify_all();
  }
  /// The process ends with requests in it: their connections break.
  void die() { server_->stop(0ms); }
  int served() const { return served_; }
  int waiting() const { return waiting_; }

 private:
  http::Response answer(const http::Request& request) {
    if (request.path != "/infer" || request.method != http::Method::kPost)
      return http::Response::json(404, "{}");
    if (mode_ == Mode::kDrain) {
      auto response = http::Response::json(503, R"({"error":"draining"})");
      response.headers.set("X-Gpuscale-Draining", "true");
      return response;
    }
    if (mode_ == Mode::kFail) return http::Response::json(503, R"({"error":"queue full"})");
    if (mode_ == Mode::kReject) return http::Response::json(413, "{}");
    ++waiting_;
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return !shut_; });
    --waiting_;
    ++served_;
    return http::Response::json(200, R"({"node":"n","queue_ms":0,"service_ms":1})");
  }

  std::atomic<Mode> mode_{Mode::kServe};
  std::atomic<int> served_{0};
  std::atomic<int> waiting_{0};
  std::mutex mutex_;
  std::condition_variable opened_;
  bool shut_ = false;
  std::unique_ptr<http::Server> server_;
};

/// The server's node list.
class FakeControl {
 public:
  FakeControl() : server_(serve([this](const http::Request& request) { return answer(request); })) {}
  ~FakeControl() { stop(); }

  std::string url() const { return url_of(*server_); }
  void stop() { server_->stop(0ms); }
  void set(const std::string& id, const std::string& endpoint, const std::string& state) {
    const std::lock_guard lock(mutex_);
    nodes_[id] = {{"id", id}, {"endpoint", endpoint}, {"state", state}};
  }
  int asked() const { return asked_; }

 private:
  http::Response answer(const http::Request& request) {
    if (request.headers.get("Authorization") != "Bearer t0ken") {
      return http::Response::json(401, R"({"error":"no such token","code":"unauthenticated"})");
    }
    if (request.path != "/api/v1/nodes" || request.query.get_or("pool", "") != "gpu pool") {
      return http::Response::json(404, R"({"error":"no such pool; known: gpu pool","code":"not_found"})");
    }
    nlohmann::json list = nlohmann::json::array();
    const std::lock_guard lock(mutex_);
    for (const auto& [id, node] : nodes_) list.push_back(node);
    ++asked_;
    return http::Response::json(200, nlohmann::json{{"nodes", list}}.dump());
  }

  std::mutex mutex_;
  std::map<std::string, nlohmann::json> nodes_;
  std::atomic<int> asked_{0};
  std::unique_ptr<http::Server> server_;
};

LoadOptions options_for(const std::string& steps, std::vector<std::string> endpoints) {
  LoadOptions options;
  options.pool = "gpu pool";
  options.profile = Profile::parse_steps(steps).value();
  options.endpoints = std::move(endpoints);
  return options;
}

LoadOptions options_for(const std::string& steps, const FakeControl& control) {
  LoadOptions options = options_for(steps, std::vector<std::string>{});
  options.server = control.url();
  options.authorization = Secret("Bearer t0ken");
  options.nodes_every = 20ms;
  return options;
}

std::unique_ptr<LoadGenerator> start(LoadOptions options) {
  auto generator = LoadGenerator::start(std::move(options), log::Log::silent());
  EXPECT_TRUE(generator) << generator.error().message();
  return std::move(generator).value();
}

Report finish(const LoadGenerator& generator) {
  EXPECT_TRUE(eventually([&] { return generator.finished(); }));
  const Report report = generator.snapshot();
  EXPECT_EQ(report.offered, report.served + report.lost);
  EXPECT_EQ(report.outstanding, 0U);
  return report;
}

TEST(LoadGenerator, OffersWhatTheProfileSaysAndSpreadsItOverTheNodes) {
  FakeNode a;
  FakeNode b;
  const auto generator = start(options_for("200x500ms", {a.url(), b.url()}));
  const Report report = finish(*generator);
  EXPECT_EQ(report.offered, 100U);
  EXPECT_EQ(report.served, 100U);
  EXPECT_EQ(report.lost, 0U);
  EXPECT_EQ(a.served() + b.served(), 100);
  EXPECT_GT(a.served(), 20);
  EXPECT_GT(b.served(), 20);
  EXPECT_GE(report.elapsed, 490ms);
  EXPECT_TRUE(report.latency.p99);
}

TEST(LoadGenerator, TakesARequestElsewhereWhereANodeDrains) {
  FakeControl control;
  FakeNode a;
  FakeNode b;
  a.set(FakeNode::Mode::kDrain);  // before the list knows
  control.set("a", a.url(), "ready");
  control.set("b", b.url(), "ready");
  const Report report = finish(*start(options_for("200x500ms", control)));
  EXPECT_EQ(report.served, 100U);
  EXPECT_EQ(report.lost, 0U);
  EXPECT_GE(report.retried, 1U);
  EXPECT_EQ(b.served(), 100);
}

TEST(LoadGenerator, TakesARequestElsewhereWhereANodeCannotBeConnectedTo) {
  FakeNode alive;
  FakeNode dead;
  const std::string gone = dead.url();
  dead.die();
  const Report report = finish(*start(options_for("200x250ms", {gone, alive.url()})));
  EXPECT_EQ(report.served, 50U);
  EXPECT_EQ(report.lost, 0U);
  EXPECT_GE(report.retried, 1U);
}

TEST(LoadGenerator, LosesARequestThatNoNodeTakes) {
  FakeNode a;
  FakeNode b;
  a.set(FakeNode::Mode::kDrain);
  b.set(FakeNode::Mode::kDrain);
  const Report drained = finish(*start(options_for("100x100ms", {a.url(), b.url()})));
  EXPECT_EQ(drained.lost, 10U);
  EXPECT_EQ(drained.lost_to_drain, 0U);                  // none was accepted
  EXPECT_GE(drained.lost_by_reason.at("draining"), 1U);  // then it is known that none is ready: "no_node"
  a.die();
  const Report refused = finish(*start(options_for("100x100ms", {a.url()})));
  EXPECT_EQ(refused.lost_by_reason, (Counts{{"refused", 10}}));
}

TEST(LoadGenerator, RetriesNoMoreThanItsBound) {
  std::vector<std::unique_ptr<FakeNode>> nodes;
  LoadOptions options = options_for("10x100ms", std::vector<std::string>{});
  for (int i = 0; i < 6; ++i) {
    nodes.push_back(std::make_unique<FakeNode>());
    options.endpoints.push_back(nodes.back()->url());
    nodes.back()->die();
  }
  options.max_retries = 3;
  const Report report = finish(*start(std::move(options)));
  EXPECT_EQ(report.lost, 1U);
  EXPECT_EQ(report.retried, 3U);
}

TEST(LoadGenerator, LosesAnAcceptedRequestWhoseNodeFails) {
  FakeNode node;
  node.set(FakeNode::Mode::kFail);
  EXPECT_EQ(finish(*start(options_for("100x100ms", {node.url()}))).lost_by_reason,
            (Counts{{"server_error", 10}}));
  node.set(FakeNode::Mode::kReject);
  EXPECT_EQ(finish(*start(options_for("100x100ms", {node.url()}))).lost_by_reason,
            (Counts{{"rejected", 10}}));
}

TEST(LoadGenerator, LosesAnAcceptedRequestWhoseNodeDies) {
  FakeControl control;
  FakeNode node;
  node.shut();
  control.set("a", node.url(), "ready");
  const auto generator = start(options_for("30x100ms", control));
  ASSERT_TRUE(eventually([&] { return node.waiting() == 3; }));
  std::thread dying([&node] { node.die(); });
  const Report report = finish(*generator);
  node.open();
  dying.join();
  EXPECT_EQ(report.lost_by_reason, (Counts{{"reset", 3}}));
  EXPECT_EQ(report.lost_to_drain, 0U);
}

/// HTTP clients like to repeat a request by themselves where a kept connection breaks; that must not hide the
/// loss.
TEST(LoadGenerator, LosesAnAcceptedRequestWhoseNodeDiesOnAKeptConnection) {
  FakeNode node;
  const auto generator = start(options_for("0x1h", {node.url()}));
  generator->set_rate(100);
  ASSERT_TRUE(eventually([&] { return node.served() >= 5; }));
  node.shut();
  ASSERT_TRUE(eventually([&] { return node.waiting() >= 2; }));
  generator->set_rate(0);
  ASSERT_TRUE(eventually(
      [&] { return generator->snapshot().outstanding == static_cast<std::uint64_t>(node.waiting()); }));
  const auto accepted = static_cast<std::uint64_t>(node.waiting());
  std::thread dying([&node] { node.die(); });
  EXPECT_TRUE(eventually([&] { return generator->snapshot().outstanding == 0; }));
  node.open();
  dying.join();
  EXPECT_EQ(generator->snapshot().lost_by_reason, (Counts{{"reset", accepted}}));
}

TEST(LoadGenerator, LaysALossToTheDrainWhereTheListSaysSo) {
  FakeControl control;
  FakeNode node;
  node.shut();
  control.set("a", node.url(), "ready");
  const auto generator = start(options_for("30x100ms", control));
  ASSERT_TRUE(eventually([&] { return node.waiting() == 3; }));
  control.set("a", node.url(), "draining");
  ASSERT_TRUE(eventually([&] { return generator->snapshot().ready_nodes == 0; }));
  std::thread dying([&node] { node.die(); });
  const Report report = finish(*generator);
  node.open();
  dying.join();
  EXPECT_EQ(report.lost, 3U);
  EXPECT_EQ(report.lost_to_drain, 3U);
}

TEST(LoadGenerator, OffersOnWhereANodeIsSlowAndMeasuresFromTheDueTime) {
  FakeNode node;
  node.shut();
  const auto generator = start(options_for("100x500ms", {node.url()}));
  ASSERT_TRUE(eventually([&] { return generator->snapshot().offered == 50; }));
  EXPECT_EQ(generator->snapshot().served, 0U);
  EXPECT_EQ(generator->snapshot().outstanding, 50U);
  node.open();
  const Report report = finish(*generator);
  EXPECT_EQ(report.served, 50U);
  EXPECT_GE(*report.latency.max, 480ms);  // the first was due 495 ms before the last
  EXPECT_GE(*report.latency.p50, 200ms);
}

TEST(LoadGenerator, LosesWhatIsTooLate) {
  FakeNode node;
  node.shut();
  LoadOptions options = options_for("100x30ms", {node.url()});
  options.request_timeout = 100ms;
  const Report report = finish(*start(std::move(options)));
  EXPECT_EQ(report.lost_by_reason, (Counts{{"timeout", 3}}));
}

TEST(LoadGenerator, BoundsWhatIsOutstanding) {
  FakeNode node;
  node.shut();
  LoadOptions options = options_for("100x200ms", {node.url()});
  options.max_outstanding = 4;
  const auto generator = start(std::move(options));
  ASSERT_TRUE(eventually([&] { return generator->snapshot().offered == 20; }));
  node.open();
  const Report report = finish(*generator);
  EXPECT_EQ(report.served, 4U);
  EXPECT_EQ(report.lost_by_reason, (Counts{{"overload", 16}}));
}

TEST(LoadGenerator, KeepsTheLastKnownNodesWhileTheServerIsAway) {
  FakeControl control;
  FakeNode node;
  control.set("a", node.url(), "ready");
  const auto generator = start(options_for("100x300ms", control));
  control.stop();
  const Report report = finish(*generator);
  EXPECT_EQ(report.served, 30U);
}

TEST(LoadGenerator, WaitsForNodesAndSaysWhereNoneCame) {
  FakeControl control;
  LoadOptions options = options_for("100x100ms", control);
  options.wait_patience = 100ms;
  const Report report = finish(*start(std::move(options)));
  EXPECT_EQ(report.offered, 0U);
  EXPECT_THAT(report.failure, HasSubstr("0 of 1 nodes of pool \"gpu pool\" were ready"));

  FakeNode node;
  const auto patient = start(options_for("100x100ms", control));
  const int asked = control.asked();
  ASSERT_TRUE(eventually([&] { return control.asked() > asked + 2; }));
  EXPECT_EQ(patient->snapshot().offered, 0U);
  control.set("a", node.url(), "ready");
  EXPECT_EQ(finish(*patient).served, 10U);
}

TEST(LoadGenerator, FailsAtOnceWhereTheServerRefuses) {
  FakeControl control;
  LoadOptions options = options_for("1x1s", control);
  options.authorization = Secret("Bearer wrong");
  const auto refused = LoadGenerator::start(options, log::Log::silent());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kUnauthenticated);
  EXPECT_THAT(refused.error().message(), HasSubstr("no such token"));

  options = options_for("1x1s", control);
  options.pool = "typo";
  EXPECT_EQ(LoadGenerator::start(options, log::Log::silent()).error().code(), Errc::kNotFound);
  options.server = "http://127.0.0.1:1";
  EXPECT_EQ(LoadGenerator::start(options, log::Log::silent()).error().code(), Errc::kUnavailable);
  options.max_outstanding = 0;
  EXPECT_EQ(LoadGenerator::start(options, log::Log::silent()).error().code(), Errc::kInvalidArgument);
}

TEST(LoadGenerator, OffersTheRateThatIsSetAndReturnsToTheProfile) {
  FakeNode node;
  const auto generator = start(options_for("0x1h", {node.url()}));
  ASSERT_TRUE(eventually([&] { return generator->snapshot().target_rps.has_value(); }));
  EXPECT_EQ(generator->snapshot().offered, 0U);
  generator->set_rate(500);
  EXPECT_EQ(generator->snapshot().target_rps, 500);
  EXPECT_TRUE(eventually([&] { return generator->snapshot().served >= 50; }));
  generator->set_rate(std::nullopt);
  EXPECT_EQ(generator->snapshot().target_rps, 0);
  EXPECT_TRUE(eventually([&] { return generator->snapshot().outstanding == 0; }));
  EXPECT_FALSE(generator->finished());
  generator->set_rate(-1);
  EXPECT_EQ(generator->snapshot().target_rps, 0);
}

TEST(LoadGenerator, WaitsForWhatIsOutstandingWhenItStops) {
  FakeNode node;
  node.shut();
  const auto generator = start(options_for("100x1h", {node.url()}));
  ASSERT_TRUE(eventually([&] { return node.waiting() >= 3; }));
  std::thread opening([&node] { node.open(); });
  generator->stop(10s);
  opening.join();
  const Report report = generator->snapshot();
  EXPECT_TRUE(report.finished);
  EXPECT_EQ(report.lost, 0U);
  EXPECT_GE(report.served, 3U);
}

TEST(LoadGenerator, LosesWhatRemainsAfterTheGrace) {
  FakeNode node;
  node.shut();
  const auto generator = start(options_for("100x1h", {node.url()}));
  ASSERT_TRUE(eventually([&] { return node.waiting() >= 3; }));
  generator->stop(0ms);
  generator->stop(0ms);
  const Report report = generator->snapshot();
  EXPECT_TRUE(report.finished);
  EXPECT_EQ(report.outstanding, 0U);
  EXPECT_EQ(report.lost, report.offered);
  EXPECT_GE(report.lost_by_reason.at("stopped"), 3U);
}

}  // namespace
}  // namespace gpuscale::load
