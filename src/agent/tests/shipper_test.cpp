// SPDX-License-Identifier: Apache-2.0
#include "agent/shipper.h"

#include <gmock/gmock.h>

#include "agent/line_buffer.h"
#include "http/testing/imposter.h"

namespace gpuscale::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

http::ClientResponse answer(int status, std::string body = "") {
  http::ClientResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

TEST(JudgeShipment, WhatEachAnswerMeansForTheBatch) {
  struct Case {
    Result<http::ClientResponse> answer;
    std::size_t lines;
    Fate fate;
    std::size_t refused;
  };
  const std::string partial = "{\"error\":\"partial write: field type conflict: ... dropped=3\"}";
  const std::string parse =
      "{\"error\":\"partial write: unable to parse 'a': b\\nunable to parse 'c': d dropped=0\"}";
  const std::vector<Case> cases = {
      {answer(204), 10, Fate::kStored, 0},
      {answer(200), 10, Fate::kStored, 0},
      {answer(400, partial), 10, Fate::kStored, 3},
      {answer(400, partial), 2, Fate::kStored, 2},
      {answer(400, parse), 10, Fate::kStored, 2},
      {answer(400, "{\"error\":\"unable to parse\"}"), 10, Fate::kRefused, 10},
      {answer(413), 10, Fate::kTooLarge, 10},
      {answer(413), 1, Fate::kRefused, 1},
      {answer(401), 10, Fate::kKept, 0},
      {answer(403), 10, Fate::kKept, 0},
      {answer(404, "database not found"), 10, Fate::kKept, 0},
      {answer(429), 10, Fate::kKept, 0},
      {answer(500), 10, Fate::kKept, 0},
      {answer(503), 10, Fate::kKept, 0},
      {fail(Errc::kUnavailable, "refused"), 10, Fate::kKept, 0},
      {fail(Errc::kTimeout, "late"), 10, Fate::kKept, 0},
  };
  for (const Case& each : cases) {
    const Verdict verdict = judge(each.answer, each.lines);
    const std::string what =
        each.answer ? std::to_string(each.answer->status) : each.answer.error().message();
    EXPECT_EQ(verdict.fate, each.fate) << what;
    if (each.fate != Fate::kTooLarge) {
      EXPECT_EQ(verdict.refused, each.refused) << what;
    }
  }
  EXPECT_THAT(judge(answer(401), 1).reason, HasSubstr("--token"));
}

class ShipperTest : public ::testing::Test {
 protected:
  ShipperOptions options(const std::string& server) const {
    ShipperOptions out;
    out.server = server;
    out.database = "gpuscale";
    out.token = Secret{"t0ken"};
    out.back_off = {5ms, 20ms};
    return out;
  }
  static std::string body_of(const http::Request& request) {
    const auto plain = http::gunzip(request.body, 1U << 20U);
    return plain ? *plain : plain.error().message();
  }
  bool delivered(std::uint64_t lines) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (buffer_.delivered() + buffer_.dropped() < lines && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(1ms);
    }
    return buffer_.delivered() + buffer_.dropped() >= lines;
  }
  LineBuffer buffer_{1'000};
};

TEST_F(ShipperTest, SendsGzipWithTokenToTheDatabase) {
  http::testing::Imposter server;
  Shipper shipper(options(server.url()), buffer_, log::Log::silent());
  buffer_.push({"m v=1 1\n", "m v=2 2\n"});
  shipper.wake();
  ASSERT_TRUE(delivered(2));
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.path, "/write");
  EXPECT_EQ(request.query.get("db"), "gpuscale");
  EXPECT_EQ(request.query.get("precision"), "ns");
  EXPECT_EQ(request.headers.get("Authorization"), "Bearer t0ken");
  EXPECT_EQ(body_of(request), "m v=1 1\nm v=2 2\n");
}

TEST_F(ShipperTest, WhatWaitedWhileTheServerWasAwayComesInOrderWithItsTimes) {
  std::uint16_t port = 0;
  {
    const http::testing::Imposter probe;
    port = probe.port();
  }
  Shipper shipper(options("http://127.0.0.1:" + std::to_string(port)), buffer_, log::Log::silent());
  for (int i = 0; i < 10; ++i) {
    buffer_.push({"m v=1 " + std::to_string(i) + "\n"});
    shipper.wake();
  }
  while (shipper.failures() < 3) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(buffer_.size(), 10U);
  const http::testing::Imposter server(port);
  ASSERT_TRUE(delivered(10));
  std::string all;
  for (const auto& request : server.requests()) all += body_of(request);
  std::string expected;
  for (int i = 0; i < 10; ++i) expected += "m v=1 " + std::to_string(i) + "\n";
  EXPECT_EQ(all, expected);
}

TEST_F(ShipperTest, WhatIsPartlyRefusedIsNotSentAgain) {
  http::testing::Imposter server;
  server.answer_next(http::Response::json(400, "{\"error\":\"partial write: ... dropped=1\"}"));
  Shipper shipper(options(server.url()), buffer_, log::Log::silent());
  buffer_.push({"m v=1 1\n", "m v=\"x\" 2\n"});
  shipper.wake();
  ASSERT_TRUE(delivered(2));
  shipper.stop(0ms);
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(buffer_.dropped(), 1U);
  EXPECT_EQ(buffer_.delivered(), 1U);
}

TEST_F(ShipperTest, WhatIsTooLargeIsSentInHalves) {
  http::testing::Imposter server(0, [](const http::Request& request) {
    http::Response response;
    response.status = body_of(request).size() > 20 ? 413 : 204;
    return response;
  });
  Shipper shipper(options(server.url()), buffer_, log::Log::silent());
  std::vector<std::string> lines;
  for (int i = 0; i < 8; ++i) lines.push_back("m v=1 " + std::to_string(i) + "\n");
  buffer_.push(lines);
  shipper.wake();
  ASSERT_TRUE(delivered(8));
  EXPECT_EQ(buffer_.dropped(), 0U);
}

TEST_F(ShipperTest, AWrongTokenKeepsTheLines) {
  http::testing::Imposter server;
  for (int i = 0; i < 3; ++i) server.answer_next(http::Response::json(401, "{}"));
  Shipper shipper(options(server.url()), buffer_, log::Log::silent());
  buffer_.push({"m v=1 1\n"});
  shipper.wake();
  ASSERT_TRUE(delivered(1));
  EXPECT_EQ(buffer_.dropped(), 0U);
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST_F(ShipperTest, AStopShipsWhatIsLeft) {
  http::testing::Imposter server;
  Shipper shipper(options(server.url()), buffer_, log::Log::silent());
  buffer_.push({"m v=1 1\n"});
  shipper.stop(20s);
  EXPECT_EQ(buffer_.delivered(), 1U);
}

TEST_F(ShipperTest, AStopDoesNotWaitForAServerThatIsAway) {
  Shipper shipper(options("http://127.0.0.1:1"), buffer_, log::Log::silent());
  buffer_.push({"m v=1 1\n"});
  shipper.wake();
  shipper.stop(50ms);
  EXPECT_EQ(buffer_.size(), 1U);
}

}  // namespace
}  // namespace gpuscale::agent
