// SPDX-License-Identifier: Apache-2.0
#include "http/curl_exchange.h"

#include <algorithm>

namespace gpuscale::http {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

void CurlExchange::set_method(CURL* easy) {
  switch (request_.method) {
    case Method::kGet:
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
      return;
    case Method::kHead:
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
      return;
    case Method::kPost:
    case Method::kPut:
    case Method::kPatch:
    case Method::kDelete:
    case Method::kOptions:
    case Method::kOther:
      break;
  }
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  // Given by a function that cannot go back, a body is not sent again by curl itself when a kept connection
  // breaks: the other side may have acted on it, and only the caller knows whether twice is harmless.
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &CurlExchange::give_body);
  curl_easy_setopt(easy, CURLOPT_READDATA, this);
  if (request_.method != Method::kPost) {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, std::string(to_string(request_.method)).c_str());
  }
}

void ensure_curl() {
  // A local static: initialised once, whatever thread comes first.
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)initialised;
}

Result<void> CurlExchange::prepare(CURL* easy) {
  if (!request_.url.starts_with("http://") && !request_.url.starts_with("https://")) {
    return fail(Errc::kInvalidArgument, redact_url(request_.url) + " must begin with http:// or https://");
  }
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  const auto version = request_.http2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_1_1;
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(version));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  // A proxy of the environment is for the internet; what we talk to is ours or named by its owner.
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (!request_.unix_socket.empty())
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket.c_str());
  if (!request_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, request_.ca_file.c_str());
  if (!request_.client_certificate.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, request_.client_certificate.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, request_.client_key.c_str());
  }
  set_method(easy);
  for (const auto& [name, value] : request_.headers.fields()) {
    // A line break would begin another header.
    if (name.find_first_of("\r\n:") != std::string::npos ||
        value.find_first_of("\r\n") != std::string::npos) {
      return fail(Errc::kInvalidArgument,
                  "header \"" + name + "\" holds a line break or a colon in its name");
    }
    // curl's form of a header without a value ends with a semicolon.
    headers_ = curl_slist_append(headers_, (value.empty() ? name + ";" : name + ": " + value).c_str());
  }
  // No waiting for a "100 Continue" that many receivers never send.
  if (!request_.headers.has("Expect")) headers_ = curl_slist_append(headers_, "Expect:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &CurlExchange::take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &CurlExchange::take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  return {};
}

std::size_t CurlExchange::give_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<CurlExchange*>(self);
  const std::size_t bytes = exchange.request_.body.copy(data, size * count, exchange.given_);
  exchange.given_ += bytes;
  return bytes;
}

std::size_t CurlExchange::take_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<CurlExchange*>(self);
  const std::size_t bytes = size * count;
  if (exchange.response_.body.size() + bytes > exchange.request_.max_answer_bytes) {
    exchange.too_large_ = true;
    return 0;
  }
  exchange.response_.body.append(data, bytes);
  return bytes;
}

std::size_t CurlExchange::take_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<CurlExchange*>(self);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) exchange.response_.headers = {};  // of a final answer after a 1xx
  if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    exchange.response_.headers.add(trimmed(line.substr(0, colon)),
                                   std::string(trimmed(line.substr(colon + 1))));
  }
  return line.size();
}

std::string CurlExchange::peer() const {
  std::string host = redact_url(request_.url);
  host.erase(0, host.find("://") + 3);
  return host.substr(0, host.find_first_of("/?"));
}

Result<ClientResponse> CurlExchange::finish(CURL* easy, CURLcode code) {
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    return std::move(response_);
  }
  const std::string why = peer() + ": " + curl_easy_strerror(code);
  if (too_large_) {
    return fail(Errc::kExhausted, peer() + ": the answer is larger than " +
                                      std::to_string(request_.max_answer_bytes) + " bytes");
  }
  // The body went out on a kept connection that broke; that curl could not even connect again tells nothing
  // of it.
  if (given_ > 0 && code == CURLE_COULDNT_CONNECT)
    return fail(Errc::kInternal, peer() + ": the connection broke");
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return fail(Errc::kInvalidArgument, redact_url(request_.url) + ": " + curl_easy_strerror(code));
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return fail(Errc::kUnavailable, why);
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t connected = 0;
      curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
      // Without a connection the other side has seen nothing: unavailable, not unknown.
      if (connected == 0) return fail(Errc::kUnavailable, peer() + ": no connection in time");
      return fail(Errc::kTimeout,
                  peer() + ": no answer within " + std::to_string(request_.timeout.count()) + " ms");
    }
    default:
      return fail(Errc::kInternal, why);
  }
}

}  // namespace gpuscale::http
