// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include "http/curl_exchange.h"

namespace gpuscale::http {

struct Client::Impl {
  EasyHandle easy;
};

Client::Client() : impl_(std::make_unique<Impl>()) {
  ensure_curl();
  impl_->easy.reset(curl_easy_init());
}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<ClientResponse> Client::send(const ClientRequest& request) {
  CURL* easy = impl_->easy.get();
  if (easy == nullptr) return fail(Errc::kExhausted, "no memory for an HTTP client");
  curl_easy_reset(easy);  // keeps the connections
  CurlExchange exchange(request);
  GS_CHECK(exchange.prepare(easy));
  return exchange.finish(easy, curl_easy_perform(easy));
}

}  // namespace gpuscale::http
