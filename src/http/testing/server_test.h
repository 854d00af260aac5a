// SPDX-License-Identifier: Apache-2.0
/// What the tests of the server share: a server to call, and a plain socket to call it by.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "http/client.h"
#include "http/server.h"

namespace gpuscale::http::testing {

/// A plain socket, for what no client would send.
class Wire {
 public:
  explicit Wire(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~Wire() { ::close(fd_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }
  /// Everything until the server closes.
  std::string read_all() {
    while (read_some()) {
    }
    return seen_;
  }
  /// What has come once `mark` is in it.
  std::string read_until(const std::string& mark) {
    while (seen_.find(mark) == std::string::npos && read_some()) {
    }
    return seen_;
  }

 private:
  bool read_some() {
    char buffer[4096];
    const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    seen_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }
  int fd_;
  std::string seen_;
};

class ServerTest : public ::testing::Test {
 protected:
  void serve(Handler handler, ServerOptions options = {}) {
    auto server = Server::start(std::move(options), std::move(handler), log::Log::silent());
    ASSERT_TRUE(server) << server.error().message();
    server_ = *std::move(server);
  }
  void serve_echo(ServerOptions options = {}) {
    serve(
        [](const Request& request) {
          return Response::text(
              200, std::string(to_string(request.method)) + " " + request.path + " " + request.body);
        },
        std::move(options));
  }
  /// False where somebody still is after 20 seconds.
  bool wait_until_nobody_is_connected() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (server_->stats().connections > 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    return server_->stats().connections == 0;
  }
  std::string exchange(const std::string& bytes) {
    Wire wire(server_->port());
    wire.send(bytes);
    return wire.read_all();
  }
  Result<ClientResponse> get(const std::string& path, Headers headers = {}) {
    ClientRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    request.headers = std::move(headers);
    return client_.send(request);
  }
  std::unique_ptr<Server> server_;
  Client client_;
};

}  // namespace gpuscale::http::testing
