// SPDX-License-Identifier: Apache-2.0
/// Any bytes as what callers send: a trigger call's query and body, a multipart form, bind parameters,
/// credentials. Must not crash.
#include <cstdint>
#include <string_view>

#include "api/bind_params.h"
#include "api/credentials.h"
#include "api/multipart.h"
#include "api/trigger_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t half = text.find('\n');
  const std::string head(text.substr(0, half));
  const std::string rest(half == std::string_view::npos ? text : text.substr(half + 1));
  std::size_t sum = api::parse_multipart(head, rest).items().size();
  if (const auto bound = api::parse_bind_params(rest)) sum += bound->values.size();
  for (const char* type : {"application/json", "application/x-www-form-urlencoded", ""}) {
    http::Request request;
    request.method = http::Method::kPost;
    request.path = "/hook/trigger";
    request.query = http::QueryParams::parse(head);
    request.headers.set("Content-Type", type);
    request.headers.set("Authorization", head);
    request.headers.set("X-Gpuscale-Signature", head);
    request.body = rest;
    if (const auto call = api::read_trigger_request(request)) sum += call->trigger.size();
    if (const auto credentials = api::credentials_of(request, api::UrlCredentials::kTaken);
        credentials && *credentials) {
      sum += (*credentials)->user.size();
    }
  }
  return sum == SIZE_MAX ? 1 : 0;
}
