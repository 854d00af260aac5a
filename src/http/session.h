// SPDX-License-Identifier: Apache-2.0
/// One connection of the server: reads a request, has it handled, writes the answer, and again. All of its
/// state lives on one strand; handlers and late answers reach it by posting there.
#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "http/handler_pool.h"
#include "http/server.h"

namespace gpuscale::http {

using SessionExecutor = boost::asio::strand<boost::asio::io_context::executor_type>;
using SessionSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, SessionExecutor>;

class Session {
 public:
  virtual ~Session() = default;
  virtual void start() = 0;
  /// Closes an idle connection at once, ends streams, and lets a request being answered be answered.
  /// Thread-safe.
  virtual void finish() = 0;
  virtual void close() = 0;  ///< at once. Thread-safe.
};

/// What every session of a server shares. Thread-safe.
class SessionHost {
 public:
  SessionHost(ServerOptions options_in, Handler handler_in, log::Log log_in)
      : options(std::move(options_in)),
        handler(std::move(handler_in)),
        log(std::move(log_in)),
        pool(options.handler_threads, options.max_queued_requests) {}

  /// False where there are too many connections already, or the server stops.
  bool enter(const std::shared_ptr<Session>& session);
  void leave(Session* session);
  /// A request is being answered, from its last byte read to its answer's last byte written. The host keeps
  /// the session alive for so long: nothing else may, while a handler or a late answer has no operation under
  /// way on the socket.
  void begin_request(std::shared_ptr<Session> session);
  void end_request(Session* session);
  /// Whether no request is being answered any more before `deadline`.
  bool wait_quiet(std::chrono::steady_clock::time_point deadline);
  /// Lets go of requests that nobody will answer any more: they hold their sessions, and those hold us.
  void forget_requests();
  /// Marks the server as stopping and tells every session.
  void finish_all();
  void close_all();
  bool stopping() const { return stopping_; }
  ServerStats stats() const;

  /// Here, so that it outlives the sessions, also one that a late answer has just got hold of.
  boost::asio::io_context io;
  const ServerOptions options;
  const Handler handler;
  const log::Log log;
  HandlerPool pool;
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};

 private:
  std::vector<std::shared_ptr<Session>> living();

  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::condition_variable quiet_;
  std::map<Session*, std::weak_ptr<Session>> sessions_;
  std::map<Session*, std::shared_ptr<Session>> answering_;
};

std::shared_ptr<Session> make_session(SessionSocket socket, std::shared_ptr<SessionHost> host);
std::shared_ptr<Session> make_tls_session(SessionSocket socket, boost::asio::ssl::context& tls,
                                          std::shared_ptr<SessionHost> host);

}  // namespace gpuscale::http
