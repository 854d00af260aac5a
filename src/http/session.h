// SPDX-License-Identifier: Apache-2.0
/// One connection of the server: reads a request, has it handled, writes the answer, and again. All of its
/// state lives on the server's one I/O thread; handlers and late answers reach it by errands.
#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "http/answer_text.h"
#include "http/handler_pool.h"
#include "http/server.h"

namespace gpuscale::http {

using SessionExecutor = boost::asio::io_context::executor_type;
using SessionSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, SessionExecutor>;

/// Everything but the destructor and overdue() on the I/O thread alone.
class Session {
 public:
  virtual ~Session() = default;
  virtual void start() = 0;
  /// Closes an idle connection, ends streams, and lets a request being answered be answered.
  virtual void finish() = 0;
  virtual void close() = 0;  ///< at once
  virtual void write_answer(Response response) = 0;
  virtual void pump_stream() = 0;  ///< writes what the stream's queue holds

  /// Whether what the connection waits for should have come by now. Thread-safe.
  bool overdue(std::chrono::steady_clock::time_point now) const {
    return now.time_since_epoch().count() > deadline_;
  }

 protected:
  void expires_after(std::chrono::seconds time) {
    deadline_ = (std::chrono::steady_clock::now() + time).time_since_epoch().count();
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
  using Step = void (Session::*)();

  SessionHost(ServerOptions options_in, RequestHandler handler_in, log::Log log_in)
      : options(std::move(options_in)),
        handler(std::move(handler_in)),
        log(std::move(log_in)),
        pool(options.handler_threads, options.max_queued_requests) {}

  /// False where there are too many connections already, or the server stops.
  bool enter(const std::shared_ptr<Session>& session);
  void leave(Session* session);
  /// Has the I/O thread take a step of the session, or write its answer, soon and in the order of the calls.
  /// What comes in a burst wakes that thread once.
  void on_io(std::shared_ptr<Session> session, std::variant<Step, Response> what);
  /// A request is being answered, from its last byte read to its answer's last byte written. The host keeps
  /// the session alive for so long: nothing else may, while a handler or a late answer has no operation under
  /// way on the socket.
  void begin_request(std::shared_ptr<Session> session);
  void end_request(Session* session);
  /// Whether no request is being answered any more before `deadline`.
  bool wait_quiet(std::chrono::steady_clock::time_point deadline);
  /// Lets go of requests and errands that nobody will see to any more: they hold their sessions, and those
  /// hold us.
  void forget_requests();
  /// Marks the server as stopping and tells every session.
  void finish_all();
  void close_all();
  /// Closes the connections that are overdue.
  void close_overdue(std::chrono::steady_clock::time_point now);
  bool stopping() const { return stopping_; }
  ServerStats stats() const;

  HttpDate date;  ///< for the I/O thread alone
  /// Here, so that it outlives the sessions, also one that a late answer has just got hold of.
  boost::asio::io_context io{1};  // of one thread
  const ServerOptions options;
  const RequestHandler handler;
  const log::Log log;
  HandlerPool pool;
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};

 private:
  struct Errand {
    std::shared_ptr<Session> session;
    std::variant<Step, Response> what;
  };
  std::vector<std::shared_ptr<Session>> living();
  void run_errands();

  std::mutex errands_mutex_;
  std::vector<Errand> errands_;  ///< not empty: the I/O thread has been told
  std::vector<Errand> running_;  ///< on the I/O thread; kept for its memory
  bool over_ = false;

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
