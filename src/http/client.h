// SPDX-License-Identifier: Apache-2.0
/// The HTTP client (the only user of libcurl): keep-alive, time-outs, TLS with own CA, bounded answers.
/// Redirects are never followed: a webhook that redirects must not carry its secret elsewhere.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/message.h"

namespace gpuscale::http {

struct ClientRequest {
  Method method = Method::kGet;
  std::string url;
  Headers headers;
  std::string body;
  std::chrono::milliseconds timeout{10'000};  ///< for the whole exchange
  std::chrono::milliseconds connect_timeout{2'000};
  std::string ca_file;             ///< PEM; empty = the system's
  std::string client_certificate;  ///< PEM file, with client_key: who we are (mTLS); empty = nobody
  std::string client_key;
  std::string unix_socket;  ///< path; not empty = connect there, whatever host the URL names
  bool http2 = false;       ///< HTTP/2 in clear text without an upgrade, as gRPC speaks it
  std::size_t max_answer_bytes = 64U << 20U;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

/// One exchange after the other over kept connections. Not thread-safe; one per thread. Errors: kUnavailable
/// (no connection; the message names the host, never the query string), kTimeout, kInternal (the connection
/// broke after the request was sent: the other side may have acted on it), kInvalidArgument (URL, headers),
/// kExhausted (answer too large). Any HTTP status is a value, not an error. A request that may have arrived
/// is never sent again by itself.
class Client {
 public:
  Client();
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  Result<ClientResponse> send(const ClientRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Many exchanges at once on one thread of its own. send() is thread-safe and never blocks; `done` runs on
/// that thread exactly once, also when the client stops first (kUnavailable).
class AsyncClient {
 public:
  explicit AsyncClient(std::size_t max_in_flight = 10'000);
  ~AsyncClient();
  AsyncClient(const AsyncClient&) = delete;
  AsyncClient& operator=(const AsyncClient&) = delete;
  void send(ClientRequest request, std::function<void(Result<ClientResponse>)> done);
  std::size_t in_flight() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The URL without user info and with the values of its query replaced by "***": fit for logs.
std::string redact_url(std::string_view url);

}  // namespace gpuscale::http
