// SPDX-License-Identifier: Apache-2.0
/// Answers that come later than their handler returns, whole or in pieces.
#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <stdexcept>
#include <thread>

#include "http/testing/server_test.h"

namespace gpuscale::http {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::ServerTest;
using testing::Wire;

/// A handler whose answer comes later, by the responder that it puts into the promise.
Handler answering_through(std::promise<std::shared_ptr<Responder>>& promise) {
  return [&promise](const Request&) {
    Response response;
    response.later = [&promise](std::shared_ptr<Responder> responder) {
      promise.set_value(std::move(responder));
    };
    return response;
  };
}

TEST_F(ServerTest, AHandlerMayTakeLongerThanAConnectionMayBeQuiet) {
  ServerOptions options;
  options.idle_timeout = 1s;
  options.read_timeout = 1s;
  std::promise<std::shared_ptr<Responder>> promise;
  serve(answering_through(promise), options);
  Wire slow(server_->port());
  slow.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto responder = promise.get_future().get();
  EXPECT_EQ(exchange(""), "") << "a connection that came later was closed as too quiet";
  EXPECT_EQ(exchange(""), "");
  responder->respond(Response::text(200, "at last"));
  EXPECT_THAT(slow.read_all(), EndsWith("at last"));
}

TEST_F(ServerTest, HundredsMayWaitForALateAnswer) {
  constexpr int kCallers = 300;
  std::mutex mutex;
  std::vector<std::shared_ptr<Responder>> waiting;
  std::condition_variable arrived;
  ServerOptions options;
  options.handler_threads = 1;
  serve(
      [&](const Request&) {
        Response response;
        response.later = [&](std::shared_ptr<Responder> responder) {
          const std::scoped_lock lock(mutex);
          waiting.push_back(std::move(responder));
          arrived.notify_all();
        };
        return response;
      },
      options);
  std::atomic<int> answered{0};
  std::promise<void> all;
  AsyncClient client;
  for (int i = 0; i < kCallers; ++i) {
    ClientRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(server_->port()) + "/infer";
    request.timeout = 30s;
    request.connect_timeout = 20s;
    client.send(request, [&](const Result<ClientResponse>& answer) {
      EXPECT_TRUE(answer && answer->status == 200 && answer->body == "done");
      if (++answered == kCallers) all.set_value();
    });
  }
  std::vector<std::shared_ptr<Responder>> ready;
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(arrived.wait_for(lock, 20s, [&] { return waiting.size() == kCallers; })) << waiting.size();
    ready.swap(waiting);
  }
  EXPECT_EQ(answered, 0);
  for (const auto& responder : ready) {
    responder->respond(Response::text(200, "done"));
    responder->respond(Response::text(500, "twice"));
  }
  EXPECT_EQ(all.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(ServerTest, ConnectionsAreSharedAmongTheThreadsThatReadAndWrite) {
  constexpr int kCallers = 12;
  std::mutex mutex;
  std::condition_variable arrived;
  std::map<std::thread::id, int> readers;
  std::vector<std::shared_ptr<Responder>> waiting;
  ServerOptions options;
  options.io_threads = 3;
  options.at_once = [](const Request&) { return true; };
  serve(
      [&](const Request& request) {
        if (request.path == "/now") return Response::text(200, "now");
        Response response;
        response.later = [&](std::shared_ptr<Responder> responder) {
          const std::scoped_lock lock(mutex);
          ++readers[std::this_thread::get_id()];
          waiting.push_back(std::move(responder));
          arrived.notify_all();
        };
        return response;
      },
      options);
  std::vector<std::unique_ptr<Wire>> wires;
  for (int i = 0; i < kCallers; ++i) {
    wires.push_back(std::make_unique<Wire>(server_->port()));
    wires.back()->send("GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(wires.back()->read_until("now"), EndsWith("now"));
    wires.back()->send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(arrived.wait_for(lock, 20s, [&] { return waiting.size() == kCallers; }));
    ASSERT_EQ(readers.size(), 3U);
    for (const auto& [thread, requests] : readers) EXPECT_EQ(requests, kCallers / 3);
  }
  EXPECT_EQ(server_->stats().connections, static_cast<std::uint64_t>(kCallers));
  for (const auto& responder : waiting) responder->respond(Response::text(200, "late"));
  for (const auto& wire : wires) EXPECT_THAT(wire->read_until("late"), EndsWith("late"));
  // The server's end waits no longer than it may for one that is not answered.
  wires.back()->send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(arrived.wait_for(lock, 20s, [&] { return waiting.size() == kCallers + 1; }));
  }
  server_->stop(10ms);
  waiting.back()->respond(Response::text(200, "too late"));
  EXPECT_THAT(wires.back()->read_all(), EndsWith("late"));
}

TEST_F(ServerTest, AnAnswerThatNeverComesClosesTheConnection) {
  serve([](const Request&) {
    Response response;
    response.later = [](const std::shared_ptr<Responder>&) {};
    return response;
  });
  const auto answer = get("/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::kInternal) << answer.error().message();
}

TEST_F(ServerTest, ALateAnswerToACallerThatHasGoneIsHarmless) {
  std::promise<std::shared_ptr<Responder>> promise;
  serve(answering_through(promise));
  std::shared_ptr<Responder> responder;
  {
    Wire wire(server_->port());
    wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    responder = promise.get_future().get();
  }
  responder->respond(Response::text(200, "nobody"));
  server_->stop(0ms);
  responder->respond(Response::text(200, "nobody"));
}

/// Notes who makes it.
class NotedAnswer final : public LateAnswer {
 public:
  explicit NotedAnswer(std::function<Response()> answer) : answer_(std::move(answer)) {}
  Response make() override {
    made_by_.set_value(std::this_thread::get_id());
    return answer_();
  }
  /// No thread where it was not made.
  std::thread::id made_by() {
    auto made = made_by_.get_future();
    return made.wait_for(20s) == std::future_status::ready ? made.get() : std::thread::id();
  }

 private:
  std::function<Response()> answer_;
  std::promise<std::thread::id> made_by_;
};

TEST_F(ServerTest, ALateAnswerMayBeMadeByTheThreadThatSendsIt) {
  std::promise<std::shared_ptr<Responder>> promise;
  serve(answering_through(promise));
  const auto good = std::make_shared<NotedAnswer>([] { return Response::text(200, "made late"); });
  const auto bad = std::make_shared<NotedAnswer>([]() -> Response { throw std::runtime_error("no answer"); });
  for (const auto& [answer, expected] :
       {std::pair(good, "made late"), std::pair(bad, "{\"error\":\"internal error\"}\n")}) {
    promise = {};
    Wire wire(server_->port());
    wire.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto responder = promise.get_future().get();
    responder->respond_with(answer);
    responder->respond(Response::text(200, "once more"));
    EXPECT_THAT(wire.read_all(), EndsWith(expected));
    const std::thread::id made_by = answer->made_by();
    EXPECT_NE(made_by, std::thread::id());
    EXPECT_NE(made_by, std::this_thread::get_id());
  }
}

TEST_F(ServerTest, ALateAnswerIsMadeForACallerThatHasGoneToo) {
  std::promise<std::shared_ptr<Responder>> promise;
  serve(answering_through(promise));
  Wire wire(server_->port());
  wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto responder = promise.get_future().get();
  server_->stop(0ms);
  server_.reset();
  const auto answer = std::make_shared<NotedAnswer>([] { return Response::text(200, "nobody"); });
  responder->respond_with(answer);
  EXPECT_EQ(answer->made_by(), std::this_thread::get_id()) << "those who count answers count it";
}

TEST_F(ServerTest, StreamsPiecesAsTheyCome) {
  std::promise<std::shared_ptr<StreamWriter>> promise;
  serve([&](const Request&) {
    Response response;
    response.headers.set("Content-Type", "text/event-stream");
    response.stream = [&](std::shared_ptr<StreamWriter> writer) { promise.set_value(std::move(writer)); };
    return response;
  });
  Wire wire(server_->port());
  wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto writer = promise.get_future().get();
  EXPECT_TRUE(writer->write("data: one\n\n"));
  EXPECT_THAT(wire.read_until("one\n\n"), HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_TRUE(writer->write("data: two\n\n"));
  wire.read_until("two\n\n");
  writer->finish();
  EXPECT_THAT(wire.read_all(), EndsWith("0\r\n\r\n"));
  EXPECT_FALSE(writer->write("late"));
}

TEST_F(ServerTest, AStreamThatNobodyReadsIsGivenUp) {
  std::promise<std::shared_ptr<StreamWriter>> promise;
  serve([&](const Request&) {
    Response response;
    response.stream = [&](std::shared_ptr<StreamWriter> writer) { promise.set_value(std::move(writer)); };
    return response;
  });
  Wire wire(server_->port());
  wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto writer = promise.get_future().get();
  const std::string piece(100'000, 'x');
  int taken = 0;
  while (taken < 10'000 && writer->write(piece)) ++taken;
  EXPECT_LT(taken, 10'000);
  EXPECT_TRUE(writer->closed());
}

TEST_F(ServerTest, AStreamLearnsThatItsCallerHasGone) {
  std::promise<std::shared_ptr<StreamWriter>> promise;
  serve([&](const Request&) {
    Response response;
    response.stream = [&](std::shared_ptr<StreamWriter> writer) { promise.set_value(std::move(writer)); };
    return response;
  });
  std::shared_ptr<StreamWriter> writer;
  {
    Wire wire(server_->port());
    wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    writer = promise.get_future().get();
  }
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!writer->closed() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(writer->closed());
}

}  // namespace
}  // namespace gpuscale::http
