// SPDX-License-Identifier: Apache-2.0
/// The whole agent in a thread, over loopback.
#include "agent/agent.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "agent/endpoint.h"
#include "base/system_clock.h"
#include "http/client.h"
#include "http/testing/imposter.h"

namespace gpuscale::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::HasSubstr;

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() {
    folder_ = std::filesystem::temp_directory_path() / ("gpuscale-agent-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    options_.server = server_.url();
    options_.node = "n-1";
    options_.pool = "gpu";
    options_.source = "virtual";
    options_.serve = true;
    options_.interval = 100ms;
    options_.service_time = 5ms;
    options_.endpoint_file = folder_ + "/endpoint";
  }
  ~AgentTest() override {
    stop();
    std::filesystem::remove_all(folder_);
  }
  void run() {
    running_ = std::async(std::launch::async,
                          [this] { return run_agent(options_, stop_, clock_, log::Log::silent(), grace_); });
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (url_.empty() && std::chrono::steady_clock::now() < deadline) {
      std::ifstream file(options_.endpoint_file);
      std::getline(file, url_);
      std::this_thread::sleep_for(1ms);
    }
    ASSERT_THAT(url_, ::testing::StartsWith("http://127.0.0.1:"));
  }
  void stop() {
    stop_ = true;
    if (running_.valid()) {
      EXPECT_TRUE(running_.get());
    }
  }
  Result<http::ClientResponse> call(http::Method method, const std::string& path) const {
    http::Client client;
    http::ClientRequest request;
    request.method = method;
    request.url = url_ + path;
    return client.send(request);
  }
  json status() const { return json::parse(call(http::Method::kGet, "/status")->body); }
  std::string shipped() const {
    std::string all;
    for (const auto& request : server_.requests()) all += *http::gunzip(request.body, 1U << 20U);
    return all;
  }

  const base::SystemClock clock_;
  http::testing::Imposter server_;
  std::string folder_;
  AgentOptions options_;
  std::chrono::milliseconds grace_{20s};
  std::atomic<bool> stop_{false};
  std::future<Result<void>> running_;
  std::string url_;
};

TEST_F(AgentTest, ShipsItsFirstSampleAtOnce) {
  options_.interval = 1h;
  run();
  ASSERT_TRUE(server_.wait_for(1));
  EXPECT_THAT(shipped(), HasSubstr("node,cluster=default,node=n-1,pool=gpu devices_ok=1i,devices_failed=0i"));
}

TEST_F(AgentTest, ServesRequestsAndMeasuresThem) {
  run();
  const auto answer = call(http::Method::kPost, "/infer");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 200);
  EXPECT_GE(json::parse(answer->body)["served_ms"].get<double>(), 5);
  // The answer may be here a moment before it is counted as given.
  const auto counted_by = std::chrono::steady_clock::now() + 20s;
  while (status()["in_flight"] != 0 && std::chrono::steady_clock::now() < counted_by)
    std::this_thread::yield();
  const json state = status();
  EXPECT_EQ(state["node"], "n-1");
  EXPECT_EQ(state["in_flight"], 0);
  EXPECT_EQ(state["draining"], false);
  EXPECT_EQ(state["devices_ok"], 1);
  EXPECT_EQ(call(http::Method::kGet, "/healthz")->body, "ok\n");
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (shipped().find("inference,") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_THAT(shipped(), HasSubstr("inference,cluster=default,node=n-1,pool=gpu requests=1i"));
  const std::string metrics = call(http::Method::kGet, "/metrics")->body;
  EXPECT_THAT(
      metrics,
      HasSubstr("gpuscale_gpu_utilization_gpu{cluster=\"default\",pool=\"gpu\",node=\"n-1\",gpu=\"0\""));
  EXPECT_THAT(metrics, HasSubstr("gpuscale_agent_draining 0"));
}

TEST_F(AgentTest, ADrainTurnsNewRequestsAwayAndLosesNoneInFlight) {
  options_.service_time = 50ms;
  run();
  constexpr int kRequests = 8;
  http::AsyncClient client;
  std::atomic<int> served{0};
  std::atomic<int> answered{0};
  for (int i = 0; i < kRequests; ++i) {
    http::ClientRequest request;
    request.method = http::Method::kPost;
    request.url = url_ + "/infer";
    request.body = "{}";
    client.send(request, [&](const Result<http::ClientResponse>& answer) {
      if (answer && answer->status == 200) ++served;
      ++answered;
    });
  }
  while (status()["in_flight"].get<int>() + answered < kRequests) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(call(http::Method::kPost, "/drain")->body, "{\"draining\":true}\n");
  EXPECT_EQ(call(http::Method::kPost, "/drain")->status, 200) << "idempotent";
  const auto refused = call(http::Method::kPost, "/infer");
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->headers.get("X-Gpuscale-Draining"), "true");
  stop();
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (answered < kRequests && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(served, kRequests);
}

TEST_F(AgentTest, AnUndrainedNodeTakesWorkAgain) {
  run();
  call(http::Method::kPost, "/drain").value();
  EXPECT_EQ(status()["draining"], true);
  call(http::Method::kPost, "/undrain").value();
  EXPECT_EQ(call(http::Method::kPost, "/infer")->status, 200);
}

TEST_F(AgentTest, ADrainThatMeansAnotherNodeIsRefused) {
  run();
  const auto refused = call(http::Method::kPost, "/drain?node=another");
  EXPECT_EQ(refused->status, 409);
  EXPECT_NE(refused->body.find("not another"), std::string::npos) << refused->body;
  EXPECT_EQ(status()["draining"], false);
  EXPECT_EQ(call(http::Method::kPost, "/drain?node=" + options_.node)->status, 200);
  EXPECT_EQ(status()["draining"], true);
}

TEST_F(AgentTest, AFullQueueSaysTryAgain) {
  options_.service_time = 1min;
  options_.max_queue = 1;
  grace_ = 0ms;
  run();
  http::AsyncClient client;
  for (int i = 0; i < 2; ++i) {
    http::ClientRequest request;
    request.method = http::Method::kPost;
    request.url = url_ + "/infer";
    request.timeout = 1min;
    client.send(request, [](const Result<http::ClientResponse>&) {});
  }
  while (status()["in_flight"] != 2) std::this_thread::sleep_for(1ms);
  const auto refused = call(http::Method::kPost, "/infer");
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->headers.get("Retry-After"), "1");
  EXPECT_FALSE(refused->headers.has("X-Gpuscale-Draining"));
}

TEST_F(AgentTest, WithoutServeThereIsNothingToInfer) {
  options_.serve = false;
  run();
  EXPECT_EQ(call(http::Method::kPost, "/infer")->status, 501);
  EXPECT_EQ(call(http::Method::kPost, "/drain")->status, 501);
  EXPECT_EQ(status()["in_flight"], 0);
}

TEST_F(AgentTest, TakesLinesOfOtherProgramsAndTellsOfItsDevices) {
  options_.spool_folder = folder_ + "/spool";
  options_.record_file = folder_ + "/recording";
  run();
  http::Client client;
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.url = url_ + "/write?precision=s";
  request.body = "orders waiting=3i 1700000000\n";
  EXPECT_EQ(client.send(request)->status, 204);
  request.body = "gpu utilization_gpu=0\norders waiting=4i 1700000001\n";
  const auto refused = client.send(request);
  EXPECT_EQ(refused->status, 400);
  EXPECT_THAT(refused->body, HasSubstr("partial write: measurement \\\"gpu\\\" is the agent's own"));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (shipped().find("waiting=4i") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_THAT(shipped(),
              HasSubstr("orders,cluster=default,node=n-1,pool=gpu waiting=3i 1700000000000000000"));
  const json devices = json::parse(call(http::Method::kGet, "/devices")->body);
  EXPECT_EQ(devices["state"], "ok");
  EXPECT_EQ(devices["devices"][0]["state"], "ok");
  EXPECT_TRUE(devices["devices"][0]["values"].contains("queue_depth"));
  EXPECT_FALSE(devices["devices"][0]["values"].contains("power_watts")) << "absent, not 0";
  stop();
  std::ifstream recording(options_.record_file);
  std::string line;
  std::getline(recording, line);
  EXPECT_THAT(line, ::testing::StartsWith("gpu,cluster=default,gpu=0,"));
}

TEST_F(AgentTest, WhatPreventsTheStartIsNamed) {
  const auto start = [&] {
    const auto done = run_agent(options_, stop_, clock_, log::Log::silent());
    return done ? std::string("started") : done.error().message();
  };
  options_.source = "cuda";
  EXPECT_THAT(start(), HasSubstr("\"cuda\""));
  options_.source = "virtual";
  options_.listen = "nonsense";
  EXPECT_THAT(start(), HasSubstr("is not HOST:PORT"));
  options_.listen = "127.0.0.1:" + std::to_string(server_.port());
  EXPECT_THAT(start(), HasSubstr("is in use"));
  options_.listen = "127.0.0.1:0";
  options_.endpoint_file = "/nosuch/folder/endpoint";
  EXPECT_THAT(start(), HasSubstr("/nosuch/folder/endpoint"));
}

TEST(Listen, IsHostAndPort) {
  EXPECT_EQ(parse_listen("127.0.0.1:8487").value(), std::pair(std::string("127.0.0.1"), std::uint16_t{8487}));
  EXPECT_EQ(parse_listen("[::1]:0").value().first, "::1");
  for (const char* bad : {"", "8487", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", ":80"}) {
    EXPECT_FALSE(parse_listen(bad)) << bad;
  }
}

}  // namespace
}  // namespace gpuscale::agent
