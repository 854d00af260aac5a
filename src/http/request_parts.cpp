// SPDX-License-Identifier: Apache-2.0
#include "http/request_parts.h"

#include <string>
#include <string_view>
#include <utility>

namespace gpuscale::http {
namespace {

namespace bhttp = boost::beast::http;

Method method_of(bhttp::verb verb) {
  switch (verb) {
    case bhttp::verb::get:
      return Method::kGet;
    case bhttp::verb::head:
      return Method::kHead;
    case bhttp::verb::post:
      return Method::kPost;
    case bhttp::verb::put:
      return Method::kPut;
    case bhttp::verb::patch:
      return Method::kPatch;
    case bhttp::verb::delete_:
      return Method::kDelete;
    case bhttp::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

}  // namespace

Request request_of(bhttp::request<bhttp::string_body>&& message) {
  Request request;
  request.method = method_of(message.method());
  std::string_view target(message.target().data(), message.target().size());
  // The absolute form, which proxies and some clients send (RFC 9112, 3.2.2).
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const std::size_t slash = target.find('/', target.find("://") + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  request.raw_path = std::string(target.substr(0, mark));
  request.path = url_decode(request.raw_path);
  if (mark != std::string_view::npos) request.query = QueryParams::parse(target.substr(mark + 1));
  for (const auto& field : message) {
    request.headers.add({field.name_string().data(), field.name_string().size()}, std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

}  // namespace gpuscale::http
