// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <fcntl.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <utility>
#include <vector>

#include "http/session.h"

namespace gpuscale::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, SessionExecutor>;

/// Out of descriptors, accepting fails at once and again: a pause keeps it from spinning.
constexpr std::chrono::milliseconds kAcceptPause{50};
constexpr std::chrono::seconds kWatchEvery{1};
/// Of a crowd, before those that are here have their turn.
constexpr int kAcceptedAtOnce = 16;

std::string shown(const ServerOptions& options) {
  const bool v6 = options.address.find(':') != std::string::npos;
  return (v6 ? "[" + options.address + "]" : options.address) + ":" + std::to_string(options.port);
}

Result<std::unique_ptr<asio::ssl::context>> make_tls(const TlsFiles& files) {
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  error_code error;
  tls->set_options(
      asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1,
      error);
  if (!error) tls->use_certificate_chain_file(files.certificate_chain, error);
  if (error) {
    return fail(Errc::kInvalidArgument,
                "TLS certificate " + files.certificate_chain + ": " + error.message());
  }
  tls->use_private_key_file(files.private_key, asio::ssl::context::pem, error);
  if (error) return fail(Errc::kInvalidArgument, "TLS key " + files.private_key + ": " + error.message());
  return tls;
}

class BeastServer final : public Server {
 public:
  BeastServer(ServerOptions options, RequestHandler handler, log::Log log)
      : host_(std::make_shared<SessionHost>(std::move(options), std::move(handler), std::move(log))),
        acceptor_(first_io()),
        retry_(first_io()),
        watch_(first_io()) {
    for (const auto& thread : host_->io_threads) work_.push_back(asio::make_work_guard(thread->io));
  }
  ~BeastServer() override { stop(std::chrono::milliseconds{0}); }

  Result<void> open() {
    const ServerOptions& options = host_->options;
    if (options.tls) {
      GS_TRY(tls_, make_tls(*options.tls));
    }
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) {
      return fail(Errc::kInvalidArgument,
                  "cannot listen on \"" + options.address + "\": it is no IP address, as 127.0.0.1 is");
    }
    const tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
    // Else accepting would wait for the next one.
    if (!error) acceptor_.set_option(asio::socket_base::enable_connection_aborted(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error == asio::error::address_in_use) {
      return fail(Errc::kConflict,
                  shown(options) + " is in use by another program; choose another with --listen");
    }
    if (error)
      return fail(Errc::kInvalidArgument, "cannot listen on " + shown(options) + ": " + error.message());
    // Processes that we start must not inherit the port: they would hold it after our end.
    ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
    acceptor_.non_blocking(true, error);
    if (error) return fail(Errc::kUnavailable, "cannot listen on " + shown(options) + ": " + error.message());
    port_ = acceptor_.local_endpoint(error).port();
    accept();
    watch();
    for (const auto& thread : host_->io_threads) thread->start();
    return {};
  }

  std::uint16_t port() const override { return port_; }
  ServerStats stats() const override { return host_->stats(); }

  void stop(std::chrono::milliseconds grace) override {
    if (std::exchange(stopped_, true)) return;
    const auto deadline = std::chrono::steady_clock::now() + grace;
    asio::post(first_io(), [this] {
      error_code ignored;
      acceptor_.close(ignored);
      retry_.cancel();
      watch_.cancel();
    });
    host_->finish_all();
    host_->wait_quiet(deadline);
    host_->close_all();
    // Handlers still running end before their host does; what they answer goes nowhere.
    host_->pool.stop();
    // Every socket is closed, so every operation ends: the threads run out of work.
    work_.clear();
    for (const auto& thread : host_->io_threads) thread->join();
    host_->forget_requests();
  }

 private:
  /// Accepts connections and watches over them all.
  asio::io_context& first_io() { return host_->io_threads.front()->io; }

  /// The thread with the fewest connections: those of agents carry about the same. Of several our own, that
  /// a caller which opens one for each request need not wait until another thread wakes; but to shake hands
  /// takes milliseconds, and there they take turns.
  IoThread& least_busy_io() {
    const auto& threads = host_->io_threads;
    const std::size_t first = tls_ ? next_ : 0;
    IoThread* found = threads[first % threads.size()].get();
    for (std::size_t i = 1; i < threads.size(); ++i) {
      IoThread* const other = threads[(first + i) % threads.size()].get();
      if (other->sessions < found->sessions) found = other;
    }
    return *found;
  }

  void accept() {
    acceptor_.async_wait(Acceptor::wait_read, [this](error_code error) {
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      for (int i = 0; !error && i < kAcceptedAtOnce; ++i) {
        IoThread& io = least_busy_io();
        SessionSocket socket(io.io);
        acceptor_.accept(socket, error);
        if (error == asio::error::connection_aborted) error.clear();  // it has gone already
        if (!socket.is_open()) continue;
        ++next_;
        ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
        welcome(std::move(socket), io);
      }
      if (!error || error == asio::error::would_block) return accept();
      host_->log.warn("connection.not_accepted", {{"error", error.message()}});
      retry_.expires_after(kAcceptPause);
      retry_.async_wait([this](error_code cancelled) {
        if (!cancelled) accept();
      });
    });
  }

  /// Connections that are overdue, once in a while rather than by a timer for each step of each.
  void watch() {
    watch_.expires_after(kWatchEvery);
    watch_.async_wait([this](error_code cancelled) {
      if (cancelled || !acceptor_.is_open()) return;
      host_->close_overdue(std::chrono::steady_clock::now());
      watch();
    });
  }

  void welcome(SessionSocket socket, IoThread& io) {
    if (host_->stats().connections >= host_->options.max_connections) return turn_away(std::move(socket));
    const auto session = tls_ ? make_tls_session(std::move(socket), *tls_, io, host_)
                              : make_session(std::move(socket), io, host_);
    if (host_->enter(session)) session->on_io(&Session::start);
  }

  void turn_away(SessionSocket socket) {
    ++host_->refused;
    if (tls_) return;  // nothing can be said before the handshake
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Type: "
        "application/json\r\n"
        "Content-Length: 34\r\n\r\n{\"error\":\"too many connections\"}\r\n";
    auto shared = std::make_shared<SessionSocket>(std::move(socket));
    asio::async_write(*shared, asio::buffer(kBusy.data(), kBusy.size()), [shared](error_code, std::size_t) {
      error_code ignored;
      shared->shutdown(tcp::socket::shutdown_both, ignored);
    });
  }

  const std::shared_ptr<SessionHost> host_;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::unique_ptr<asio::ssl::context> tls_;
  Acceptor acceptor_;
  asio::steady_timer retry_;
  asio::steady_timer watch_;
  std::size_t next_ = 0;  ///< of the I/O threads, for a connection by TLS
  std::uint16_t port_ = 0;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, RequestHandler handler, log::Log log) {
  auto server = std::make_unique<BeastServer>(std::move(options), std::move(handler), std::move(log));
  GS_CHECK(server->open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace gpuscale::http
