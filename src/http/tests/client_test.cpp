// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "http/testing/imposter.h"

namespace gpuscale::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Client, SendsMethodHeadersAndBody) {
  testing::Imposter server;
  Client client;
  for (const Method method : {Method::kGet, Method::kPost, Method::kPut, Method::kPatch, Method::kDelete}) {
    ClientRequest request;
    request.method = method;
    request.url = server.url() + "/a%20b?c=d";
    request.headers = {{"X-Test", "1"}};
    request.body = method == Method::kGet ? "" : std::string("bo\0dy", 5);
    const auto answer = client.send(request);
    ASSERT_TRUE(answer) << answer.error().message();
    const Request seen = server.requests().back();
    EXPECT_EQ(seen.method, method);
    EXPECT_EQ(seen.path, "/a b");
    EXPECT_EQ(seen.query.get("c"), "d");
    EXPECT_EQ(seen.headers.get("x-test"), "1");
    EXPECT_EQ(seen.body, request.body);
  }
}

TEST(Client, AnyStatusIsAValueAndRedirectsAreNotFollowed) {
  testing::Imposter server;
  Response away;
  away.status = 302;
  away.headers.set("Location", "http://127.0.0.1:1/elsewhere");
  server.answer_next(away);
  server.answer_next(Response::json(500, "{}"));
  Client client;
  ClientRequest request;
  request.url = server.url();
  EXPECT_EQ(client.send(request)->status, 302);
  EXPECT_EQ(client.send(request)->status, 500);
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(Client, FailuresSayWhatHappenedWithoutTheQuery) {
  std::uint16_t closed = 0;
  {
    const testing::Imposter gone;
    closed = gone.port();
  }
  Client client;
  ClientRequest request;
  request.url = "http://user:word@127.0.0.1:" + std::to_string(closed) + "/hook?secret=hush";
  const auto refused = client.send(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kUnavailable);
  EXPECT_THAT(refused.error().message(), HasSubstr("127.0.0.1:" + std::to_string(closed)));
  EXPECT_THAT(refused.error().message(), Not(HasSubstr("hush")));
  EXPECT_THAT(refused.error().message(), Not(HasSubstr("word")));
  for (const char* url : {"", "nonsense", "ftp://127.0.0.1/", "file:///etc/passwd", "http://"}) {
    request.url = url;
    const auto bad = client.send(request);
    ASSERT_FALSE(bad) << url;
    EXPECT_EQ(bad.error().code(), Errc::kInvalidArgument) << url << ": " << bad.error().message();
  }
  request.url = "http://127.0.0.1:1/";
  request.headers.set("X-Bad", "a\r\nInjected: b");
  EXPECT_EQ(client.send(request).error().code(), Errc::kInvalidArgument);
}

TEST(Client, SilenceIsATimeoutAndALargeAnswerIsRefused) {
  std::shared_ptr<Responder> kept;
  testing::Imposter server(0, [&kept](const Request& request) {
    if (request.path == "/large") return Response::text(200, std::string(5'000, 'x'));
    Response response;
    response.later = [&kept](std::shared_ptr<Responder> responder) { kept = std::move(responder); };
    return response;
  });
  Client client;
  ClientRequest request;
  request.url = server.url() + "/large";
  request.max_answer_bytes = 4'999;
  EXPECT_EQ(client.send(request).error().code(), Errc::kExhausted);
  request.url = server.url() + "/silence";
  request.timeout = 200ms;
  const auto silent = client.send(request);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code(), Errc::kTimeout) << silent.error().message();
  server.stop();
}

TEST(AsyncClient, AnswersEveryRequestOnce) {
  constexpr int kRequests = 2'000;
  testing::Imposter server;
  std::atomic<int> good{0};
  std::atomic<int> called{0};
  std::promise<void> all;
  AsyncClient client;
  for (int i = 0; i < kRequests; ++i) {
    ClientRequest request;
    request.url = server.url();
    request.timeout = 60s;
    request.connect_timeout = 50s;
    client.send(request, [&](const Result<ClientResponse>& answer) {
      if (answer && answer->status == 200) ++good;
      if (++called == kRequests) all.set_value();
    });
  }
  ASSERT_EQ(all.get_future().wait_for(60s), std::future_status::ready) << called;
  EXPECT_EQ(good, kRequests);
  EXPECT_EQ(client.in_flight(), 0U);
}

TEST(AsyncClient, WhatIsInFlightWhenItStopsIsToldSo) {
  std::vector<std::shared_ptr<Responder>> kept;
  std::mutex mutex;
  testing::Imposter server(0, [&](const Request&) {
    Response response;
    response.later = [&](std::shared_ptr<Responder> responder) {
      const std::scoped_lock lock(mutex);
      kept.push_back(std::move(responder));
    };
    return response;
  });
  std::atomic<int> stopped{0};
  {
    AsyncClient client;
    for (int i = 0; i < 20; ++i) {
      ClientRequest request;
      request.url = server.url();
      client.send(request, [&](const Result<ClientResponse>& answer) {
        if (!answer && answer.error().code() == Errc::kUnavailable) ++stopped;
      });
    }
    EXPECT_TRUE(server.wait_for(20));
  }
  EXPECT_EQ(stopped, 20);
  server.stop();
}

TEST(AsyncClient, MoreThanTheLimitIsRefused) {
  std::vector<std::shared_ptr<Responder>> kept;
  testing::Imposter server(0, [&](const Request&) {
    Response response;
    response.later = [&](std::shared_ptr<Responder> responder) { kept.push_back(std::move(responder)); };
    return response;
  });
  std::promise<Errc> refused;
  {
    AsyncClient client(1);
    ClientRequest request;
    request.url = server.url();
    client.send(request, [](const Result<ClientResponse>&) {});
    EXPECT_TRUE(server.wait_for(1));
    client.send(request,
                [&](const Result<ClientResponse>& answer) { refused.set_value(answer.error().code()); });
    EXPECT_EQ(refused.get_future().get(), Errc::kExhausted);
  }
  server.stop();
}

}  // namespace
}  // namespace gpuscale::http
