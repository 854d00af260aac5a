// SPDX-License-Identifier: Apache-2.0
/// One exchange on a curl easy handle: what the two clients share.
#pragma once
#include <curl/curl.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "http/client.h"

namespace gpuscale::http {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;

/// Holds what curl points into until the exchange is over; neither copied nor moved.
class CurlExchange {
 public:
  explicit CurlExchange(ClientRequest request) : request_(std::move(request)) {}
  ~CurlExchange() { curl_slist_free_all(headers_); }
  CurlExchange(const CurlExchange&) = delete;
  CurlExchange& operator=(const CurlExchange&) = delete;

  /// Sets every option on a fresh or reset handle. Errors: kInvalidArgument (a URL that is not http or
  /// https).
  Result<void> prepare(CURL* easy);
  /// The outcome, from curl's code at the end.
  Result<ClientResponse> finish(CURL* easy, CURLcode code);

 private:
  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t give_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t take_header(char* data, std::size_t size, std::size_t count, void* self);
  std::string peer() const;
  void set_method(CURL* easy);

  ClientRequest request_;
  std::size_t given_ = 0;  ///< bytes of the body
  curl_slist* headers_ = nullptr;
  ClientResponse response_;
  bool too_large_ = false;
};

/// Once per process, before any thread uses curl.
void ensure_curl();

}  // namespace gpuscale::http
