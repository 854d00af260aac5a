// SPDX-License-Identifier: Apache-2.0
/// One connection of the server: reads a request, has it handled, writes the answer, and again. All of its
/// state lives on one of the server's I/O threads; handlers and late answers reach it by errands.
#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "http/handler_pool.h"
#include "http/io_thread.h"
#include "http/server.h"

namespace gpuscale::http {

using SessionExecutor = boost::asio::io_context::executor_type;
using SessionSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, SessionExecutor>;

/// Everything but the making and the end, on_io() and overdue() on the session's I/O thread alone.
class Session {
 public:
  virtual ~Session() = default;
  virtual void start() = 0;
  /// Closes an idle connection, ends streams, and lets a request being answered be answered.
  virtual void finish() = 0;
  virtual void close() = 0;  ///< at once
  /// What was waited for may have come while the step was on its way.
  void close_if_overdue() {
    if (overdue(std::chrono::steady_clock::now())) close();
  }
  virtual void write_answer(Response response) = 0;
  virtual void write_late_answer(LateAnswer& answer) = 0;
  virtual void pump_stream() = 0;  ///< writes what the stream's queue holds
  /// Forgets a request that nobody will see to any more. Only once the I/O threads have ended.
  virtual void let_go() = 0;

  /// Has its I/O thread do it: IoThread::have_done(). Thread-safe.
  virtual void on_io(IoThread::Work what) = 0;
  /// Whether what the connection waits for should have come by now. Thread-safe.
  bool overdue(std::chrono::steady_clock::time_point now) const {
    return now.time_since_epoch().count() > deadline_;
  }

 protected:
  void expires_after(std::chrono::seconds time) {
    // The steady clock as of its last tick, some milliseconds ago at most: asked several times a request.
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    const std::chrono::steady_clock::duration since_start =
        std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec) + time;
    deadline_ = since_start.count();
  }
  void expires_never() { deadline_ = kNever; }

 private:
  using Ticks = std::chrono::steady_clock::rep;
  static constexpr Ticks kNever = std::numeric_limits<Ticks>::max();
  std::atomic<Ticks> deadline_{kNever};
};

/// What every session of a server shares. Thread-safe.
class SessionHost {
 public:
  SessionHost(ServerOptions options_in, RequestHandler handler_in, log::Log log_in);

  /// False where there are too many connections already, or the server stops.
  bool enter(const std::shared_ptr<Session>& session);
  void leave(Session* session);
  /// A request is being answered, from its last byte read to its answer's last byte written.
  void begin_request();
  void end_request();
  /// Whether no request is being answered any more before `deadline`.
  bool wait_quiet(std::chrono::steady_clock::time_point deadline);
  /// Lets go of requests and errands that nobody will see to any more: they hold their sessions, and those
  /// hold us. Only once the I/O threads have ended.
  void forget_requests();
  /// Marks the server as stopping and tells every session.
  void finish_all();
  void close_all();
  /// Has the connections closed that are overdue.
  void close_overdue(std::chrono::steady_clock::time_point now);
  bool stopping() const { return stopping_; }
  ServerStats stats() const;

  /// Here, so that they outlive the sessions, also one that a late answer has just got hold of. At least one.
  std::vector<std::unique_ptr<IoThread>> io_threads;
  const ServerOptions options;
  const RequestHandler handler;
  const log::Log log;
  HandlerPool pool;
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};

 private:
  std::vector<std::shared_ptr<Session>> living();

  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> answering_{0};
  mutable std::mutex mutex_;
  std::condition_variable quiet_;
  std::map<Session*, std::weak_ptr<Session>> sessions_;
};

/// @param io the thread of the socket's executor; the host's
std::shared_ptr<Session> make_session(SessionSocket socket, IoThread& io, std::shared_ptr<SessionHost> host);
std::shared_ptr<Session> make_tls_session(SessionSocket socket, boost::asio::ssl::context& tls, IoThread& io,
                                          std::shared_ptr<SessionHost> host);

}  // namespace gpuscale::http
