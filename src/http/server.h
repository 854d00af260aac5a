// SPDX-License-Identifier: Apache-2.0
/// The HTTP/1.1 server (the only user of Boost.Beast): keep-alive, pipelining one at a time, TLS, gzip
/// answers, limits. A few threads do all reading and writing, each for its share of the connections. Handlers
/// run on a bounded pool of threads, so a slow handler delays no other connection; those that never wait may
/// run at once, without the way there.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/message.h"
#include "log/log.h"

namespace gpuscale::http {

struct TlsFiles {
  std::string certificate_chain;  ///< PEM
  std::string private_key;        ///< PEM
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0 = any free one, see Server::port()
  std::optional<TlsFiles> tls;
  int handler_threads = 4;
  int io_threads = 1;  ///< that read and write
  std::size_t max_body_bytes =
      25'000'000;  ///< over it: 413 {"error":"Request Entity Too Large"}, connection closed
  std::size_t max_header_bytes = 128 * 1024;  ///< request line and headers; Grafana 4 sends long GET queries
  std::size_t max_connections = 20'000;       ///< over it: 503 and closed
  std::size_t max_queued_requests = 4'096;    ///< waiting for a handler thread; over it: 503 with Retry-After
  // Both are looked at once a second.
  std::chrono::seconds idle_timeout{120};
  std::chrono::seconds read_timeout{30};  ///< for one request to arrive whole
  bool gzip_answers = true;               ///< when the caller accepts it and the body is over 1 KiB
  /// Which requests are handled on the thread that reads and writes, since their handler takes microseconds
  /// and never waits; empty = none. Called on that thread.
  std::function<bool(const Request&)> at_once;
};

struct ServerStats {
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t requests = 0;     ///< since the start
  std::uint64_t refused = 0;      ///< by a limit
};

class Server {
 public:
  /// Errors: kConflict "127.0.0.1:8486 is in use ...; choose another with --listen"; kInvalidArgument
  /// (address, TLS files). A handler that throws is answered with 500 and logged.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, RequestHandler handler, log::Log log);
  virtual ~Server() = default;  ///< stops
  virtual std::uint16_t port() const = 0;
  virtual ServerStats stats() const = 0;
  /// No new connections; waits up to `grace` for the requests being answered, then closes. Idempotent.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace gpuscale::http
