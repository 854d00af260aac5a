// SPDX-License-Identifier: Apache-2.0
#include "http/request_reader.h"

#include <algorithm>

namespace gpuscale::http {
namespace {

namespace bhttp = boost::beast::http;

/// What a caller announces is believed up to here; beyond it memory grows as bytes come.
constexpr std::uint64_t kMostReserved = 4U << 20U;

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

void RequestReader::on_request_impl(Verb method, Text, Text whole_target, int version, Error&) {
  version_ = static_cast<unsigned>(version);
  request_.method = method_of(method);
  std::string_view target(whole_target.data(), whole_target.size());
  // The absolute form, which proxies and some clients send (RFC 9112, 3.2.2).
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const std::size_t slash = target.find('/', target.find("://") + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  request_.raw_path = std::string(target.substr(0, mark));
  request_.path = url_decode(request_.raw_path);
  if (mark != std::string_view::npos) request_.query = QueryParams::parse(target.substr(mark + 1));
}

void RequestReader::on_field_impl(bhttp::field, Text name, Text value, Error&) {
  request_.headers.add({name.data(), name.size()}, std::string(value.data(), value.size()));
}

void RequestReader::on_body_init_impl(const boost::optional<std::uint64_t>& length, Error&) {
  if (length) request_.body.reserve(static_cast<std::size_t>(std::min(*length, kMostReserved)));
}

std::size_t RequestReader::on_body_impl(Text bytes, Error&) {
  request_.body.append(bytes.data(), bytes.size());
  return bytes.size();
}

std::size_t RequestReader::on_chunk_body_impl(std::uint64_t, Text bytes, Error& error) {
  return on_body_impl(bytes, error);
}

}  // namespace gpuscale::http
