// SPDX-License-Identifier: Apache-2.0
/// A receiver for other rooms' tests: a real server on loopback that answers as it is told and remembers what
/// it was asked. Thread-safe.
#pragma once
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "http/server.h"

namespace gpuscale::http::testing {

class Imposter {
 public:
  /// Port 0 = any free one.
  explicit Imposter(std::uint16_t port = 0, Handler handler = {}) : handler_(std::move(handler)) {
    ServerOptions options;
    options.port = port;
    options.handler_threads = 2;
    auto server = Server::start(
        options, [this](const Request& request) { return handle(request); }, log::Log::silent());
    if (!server) std::abort();
    server_ = *std::move(server);
  }
  ~Imposter() { stop(); }
  Imposter(const Imposter&) = delete;
  Imposter& operator=(const Imposter&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }
  std::uint16_t port() const { return server_->port(); }
  /// Waits up to `grace` for the requests that are being answered.
  void stop(std::chrono::milliseconds grace = {}) { server_->stop(grace); }

  /// Answers come in this order; then the handler's, or 200 without a body.
  void answer_next(Response response) {
    const std::scoped_lock lock(mutex_);
    answers_.push_back(std::move(response));
  }
  std::vector<Request> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  /// Whether `count` requests have come within `patience`.
  bool wait_for(std::size_t count, std::chrono::milliseconds patience = std::chrono::seconds{20}) const {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, patience, [&] { return requests_.size() >= count; });
  }

 private:
  Response handle(const Request& request) {
    std::unique_lock lock(mutex_);
    requests_.push_back(request);
    arrived_.notify_all();
    if (!answers_.empty()) {
      Response next = std::move(answers_.front());
      answers_.pop_front();
      return next;
    }
    lock.unlock();
    return handler_ ? handler_(request) : Response{};
  }

  const Handler handler_;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::deque<Response> answers_;
  std::vector<Request> requests_;
  std::unique_ptr<Server> server_;
};

}  // namespace gpuscale::http::testing
