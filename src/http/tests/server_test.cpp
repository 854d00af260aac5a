// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "http/testing/server_test.h"

namespace gpuscale::http {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::ServerTest;
using ::testing::StartsWith;
using testing::Wire;

TEST_F(ServerTest, AnswersOneRequestAfterTheOtherOnOneConnection) {
  serve_echo();
  const std::string answer = exchange(
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhiGET /b%20c?d=e HTTP/1.1\r\nHost: "
      "x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("POST /a hi"));
  EXPECT_THAT(answer, EndsWith("GET /b c "));
  EXPECT_LT(answer.find("POST /a"), answer.find("GET /b"));
}

TEST_F(ServerTest, TakesChunkedBodiesAndExpectations) {
  serve_echo();
  EXPECT_THAT(
      exchange("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
               "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
      EndsWith("POST /a abcde"));
  Wire wire(server_->port());
  wire.send(
      "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: "
      "close\r\n\r\n");
  EXPECT_THAT(wire.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue"));
  wire.send("hi");
  EXPECT_THAT(wire.read_all(), EndsWith("POST /a hi"));
}

TEST_F(ServerTest, HeadHasTheHeadersOfGetAndNoBody) {
  serve_echo();
  const std::string answer = exchange("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 8"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, NoContentHasNoLength) {
  serve([](const Request&) {
    Response response;
    response.status = 204;
    return response;
  });
  const std::string answer = exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(answer, ::testing::Not(HasSubstr("Content-Length")));
}

TEST_F(ServerTest, PacksLongAnswersForThoseWhoTakeThem) {
  serve([](const Request&) { return Response::text(200, std::string(5'000, 'x')); });
  EXPECT_EQ(get("/")->body.size(), 5'000U);
  const auto packed = get("/", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(packed->headers.get("Content-Encoding"), "gzip");
  EXPECT_EQ(gunzip(packed->body, 10'000)->size(), 5'000U);
  EXPECT_EQ(get("/", {{"Accept-Encoding", "gzip;q=0"}})->headers.get("Content-Encoding"), "");
}

TEST_F(ServerTest, WhatIsTooLargeIsRefusedByName) {
  ServerOptions options;
  options.max_body_bytes = 100;
  options.max_header_bytes = 2'000;
  serve_echo(options);
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x')),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(exchange("GET /" + std::string(3'000, 'x') + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(exchange("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(server_->stats().refused, 3U);
  EXPECT_EQ(get("/")->status, 200);
}

TEST_F(ServerTest, ACallerThatDribblesIsCutOff) {
  ServerOptions options;
  options.read_timeout = 1s;
  serve_echo(options);
  Wire wire(server_->port());
  wire.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(wire.read_all(), "");
}

TEST_F(ServerTest, AQuietConnectionIsClosedAndAnAnsweredOneIsQuiet) {
  ServerOptions options;
  options.idle_timeout = 1s;
  serve_echo(options);
  EXPECT_EQ(exchange(""), "");
  EXPECT_THAT(exchange("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("GET /a "));
  EXPECT_TRUE(wait_until_nobody_is_connected());
}

TEST_F(ServerTest, WhatNeverWaitsIsHandledOnTheThreadThatReads) {
  std::mutex mutex;
  std::map<std::string, std::set<std::thread::id>> threads;
  ServerOptions options;
  options.at_once = [&](const Request& request) {
    const std::scoped_lock lock(mutex);
    threads["reader"].insert(std::this_thread::get_id());
    return request.path == "/quick";
  };
  serve(
      [&](const Request& request) -> Response {
        const std::scoped_lock lock(mutex);
        threads[request.path].insert(std::this_thread::get_id());
        if (request.body == "throw") throw std::runtime_error("secret detail");
        return Response::text(200, request.path + " " + request.body + "\n");
      },
      options);
  std::string requests;
  for (const char* body : {"1", "2", "3"}) {
    for (const char* path : {"/quick", "/slow"})
      requests += std::string("POST ") + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n" + body;
  }
  requests += "POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthrow";
  const std::string answers = exchange(requests);
  std::size_t at = 0;
  for (const char* body : {"/quick 1\n", "/slow 1\n", "/quick 2\n", "/slow 2\n", "/quick 3\n", "/slow 3\n"}) {
    at = answers.find(body, at);
    EXPECT_NE(at, std::string::npos) << body << " is missing or out of order in " << answers;
  }
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 500 "));
  EXPECT_EQ(threads["/quick"], threads["reader"]);
  EXPECT_EQ(threads["reader"].size(), 1U);
  EXPECT_FALSE(threads["/slow"].contains(*threads["reader"].begin()));
}

TEST_F(ServerTest, ConnectionsGoToTheThreadThatHasTheFewest) {
  std::mutex mutex;
  std::multiset<std::thread::id> threads;
  ServerOptions options;
  options.io_threads = 3;
  options.at_once = [](const Request&) { return true; };
  serve(
      [&](const Request&) {
        const std::scoped_lock lock(mutex);
        threads.insert(std::this_thread::get_id());
        return Response::text(200, "\n");
      },
      options);
  for (int i = 0; i < 4; ++i) {
    exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    ASSERT_TRUE(wait_until_nobody_is_connected());
  }
  EXPECT_EQ(threads.count(*threads.begin()), 4U) << "one after the other: on that which accepts";
  threads.clear();
  std::vector<std::unique_ptr<Wire>> wires;
  for (int i = 0; i < 9; ++i) {
    wires.push_back(std::make_unique<Wire>(server_->port()));
    wires.back()->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    wires.back()->read_until("\r\n\r\n");
  }
  for (const std::thread::id thread : threads)
    EXPECT_EQ(threads.count(thread), 3U) << "all at once: shared evenly";
}

TEST_F(ServerTest, HundredsOfPipelinedRequestsAreAnsweredInOrder) {
  ServerOptions options;
  options.at_once = [](const Request&) { return true; };
  serve_echo(options);
  constexpr int kCount = 2'000;
  std::string requests;
  for (int i = 0; i < kCount; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n" +
                (i + 1 == kCount ? "Connection: close\r\n" : "") + "\r\n";
  }
  Wire wire(server_->port());
  auto sending = std::async(std::launch::async, [&] { wire.send(requests); });
  const std::string answers = wire.read_all();
  sending.get();
  std::size_t at = 0;
  for (int i = 0; i < kCount; ++i) {
    at = answers.find("GET /" + std::to_string(i) + " ", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(ServerTest, NothingOfARequestIsInTheNextOne) {
  std::mutex mutex;
  std::vector<Request> seen;
  ServerOptions options;
  options.at_once = [](const Request&) { return true; };
  serve(
      [&](const Request& request) {
        const std::scoped_lock lock(mutex);
        seen.push_back(request);
        return Response::text(200, "answer " + std::to_string(seen.size()) + ".");
      },
      options);
  const std::string body(10'000, 'x');
  const std::string full =
      "POST /one?a=1&b=2 HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nAuthorization: Token secret\r\n"
      "Content-Length: 10000\r\n\r\n" +
      body;
  Wire wire(server_->port());
  // Each once the one before was answered, so that it is read anew and takes over the memory of that.
  wire.send(full);
  wire.read_until("answer 1.");
  wire.send("GET /two HTTP/1.1\r\nHost: x\r\n\r\n");
  wire.read_until("answer 2.");
  wire.send(full);
  wire.read_until("answer 3.");
  Wire other(server_->port());
  other.send("PUT /three?c=3 HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
  other.read_all();
  const std::scoped_lock lock(mutex);
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[0].body, body);
  EXPECT_EQ(seen[0].query.get("b"), "2");
  EXPECT_EQ(seen[1].method, Method::kGet);
  EXPECT_EQ(seen[1].path + seen[1].raw_path, "/two/two");
  EXPECT_THAT(seen[1].query.items(), ::testing::IsEmpty());
  EXPECT_EQ(seen[1].headers.fields().size(), 1U);
  EXPECT_EQ(seen[1].body, "");
  EXPECT_EQ(seen[3].body, "hi");
  EXPECT_EQ(seen[3].query.encode(), "c=3");
  EXPECT_EQ(seen[3].headers.fields().size(), 2U);
}

TEST_F(ServerTest, AnAnswerLargerThanTheSocketTakesArrivesWhole) {
  const std::string large(30'000'000, 'x');
  serve([&](const Request&) { return Response::text(200, large); });
  Wire wire(server_->port());
  wire.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = wire.read_all();
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, large.size());
}

TEST_F(ServerTest, AHandlerThatThrowsIsAnAnswer) {
  serve([](const Request&) -> Response { throw std::runtime_error("secret detail"); });
  const auto answer = get("/");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 500);
  EXPECT_THAT(answer->body, ::testing::Not(HasSubstr("secret detail")));
}

TEST_F(ServerTest, AStopLetsTheRequestBeingAnsweredBeAnswered) {
  std::promise<void> entered;
  std::promise<void> release;
  serve([&](const Request&) {
    entered.set_value();
    release.get_future().wait();
    return Response::text(200, "in time");
  });
  auto answer = std::async(std::launch::async, [&] { return get("/"); });
  entered.get_future().wait();
  auto stopped = std::async(std::launch::async, [&] { server_->stop(20s); });
  release.set_value();
  const auto got = answer.get();
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->body, "in time");
  EXPECT_EQ(stopped.wait_for(20s), std::future_status::ready);
  const auto refused = get("/");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kUnavailable);
}

TEST_F(ServerTest, APortInUseIsNamedWithItsMend) {
  serve_echo();
  ServerOptions options;
  options.port = server_->port();
  const auto second = Server::start(options, [](const Request&) { return Response(); }, log::Log::silent());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Errc::kConflict);
  EXPECT_THAT(second.error().message(),
              HasSubstr("127.0.0.1:" + std::to_string(options.port) + " is in use"));
  EXPECT_THAT(second.error().message(), HasSubstr("--listen"));
}

TEST_F(ServerTest, BadAddressesAndTlsFilesAreNamed) {
  ServerOptions options;
  options.address = "nonsense";
  EXPECT_FALSE(Server::start(options, [](const Request&) { return Response(); }, log::Log::silent()));
  options.address = "127.0.0.1";
  options.tls = TlsFiles{"/nosuch.pem", "/nosuch.key"};
  const auto server = Server::start(options, [](const Request&) { return Response(); }, log::Log::silent());
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message(), HasSubstr("/nosuch.pem"));
}

TEST_F(ServerTest, SpeaksTls) {
  const std::string folder =
      std::filesystem::temp_directory_path() / ("gpuscale-tls-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string make =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext "
      "subjectAltName=IP:127.0.0.1 -keyout " +
      folder + "/key.pem -out " + folder + "/cert.pem >/dev/null 2>&1";
  ASSERT_EQ(std::system(make.c_str()), 0);
  ServerOptions options;
  options.tls = TlsFiles{folder + "/cert.pem", folder + "/key.pem"};
  serve([](const Request& request) { return Response::text(200, request.secure ? "secure" : "plain"); },
        options);
  ClientRequest request;
  request.url = "https://127.0.0.1:" + std::to_string(server_->port()) + "/";
  request.ca_file = folder + "/cert.pem";
  const auto answer = client_.send(request);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, "secure");
  request.ca_file.clear();
  const auto untrusted = Client().send(request);
  ASSERT_FALSE(untrusted);
  EXPECT_EQ(untrusted.error().code(), Errc::kUnavailable);
  std::filesystem::remove_all(folder);
}

TEST_F(ServerTest, TooManyConnectionsAreTurnedAway) {
  ServerOptions options;
  options.max_connections = 1;
  serve_echo(options);
  Wire first(server_->port());
  first.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  first.read_until("GET / ");
  EXPECT_THAT(exchange(""), StartsWith("HTTP/1.1 503 "));
}

}  // namespace
}  // namespace gpuscale::http
