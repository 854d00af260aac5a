// SPDX-License-Identifier: Apache-2.0
/// What is said at a node's address, and by whom.
#include "pool/node_endpoint.h"

#include <gmock/gmock.h>

#include "http/server.h"

namespace gpuscale::pool {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The agent of node b, where node a was before it.
class Successor {
 public:
  Successor()
      : server_(*http::Server::start(
            {.address = "127.0.0.1", .port = 0},
            [this](const http::Request& request) {
              asked_.push_back(request.path + "?" + request.query.get_or("node", ""));
              if (request.path == "/status")
                return http::Response::json(200, R"({"node":"b","in_flight":0,"draining":true})");
              return http::Response::json(request.query.get_or("node", "") == "b" ? 200 : 409, "{}");
            },
            log::Log::silent())) {}
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  const std::vector<std::string>& asked() const { return asked_; }

 private:
  std::vector<std::string> asked_;
  std::unique_ptr<http::Server> server_;
};

TEST(NodeEndpoint, WhatAnotherNodeSaysIsUnknownNotIdle) {
  const Successor successor;
  NodeEndpoint endpoint(5s, "");
  const auto work = endpoint.workload(NodeId("a"), successor.url());
  ASSERT_FALSE(work);
  EXPECT_EQ(work.error().code(), Errc::kUnavailable);
  EXPECT_THAT(work.error().message(), HasSubstr("at the endpoint of node a answers b"));
  EXPECT_TRUE(endpoint.workload(NodeId("b"), successor.url()));
}

TEST(NodeEndpoint, AnotherNodeIsNotDrainedInItsPlace) {
  const Successor successor;
  NodeEndpoint endpoint(5s, "");
  EXPECT_FALSE(endpoint.set_draining(NodeId("a"), successor.url(), true));
  EXPECT_TRUE(endpoint.set_draining(NodeId("b"), successor.url(), false));
  EXPECT_THAT(successor.asked(), ElementsAre("/drain?a", "/undrain?b"));
}

}  // namespace
}  // namespace gpuscale::pool
