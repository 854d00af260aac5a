// SPDX-License-Identifier: Apache-2.0
#include "api/multipart.h"

#include <optional>

#include "api/text.h"

namespace gpuscale::api {

namespace {

constexpr std::size_t kMaxParts = 64;

/// The value of `key="..."` or `key=...` among the parameters of a header field.
std::optional<std::string> parameter(std::string_view field, std::string_view key) {
  while (true) {
    const std::size_t semicolon = field.find(';');
    if (semicolon == std::string_view::npos) return std::nullopt;
    field = trimmed(field.substr(semicolon + 1));
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const bool wanted = equal_ignoring_case(field.substr(0, equals), key);
    std::string_view value = field.substr(equals + 1);
    if (value.starts_with('"')) {
      value = value.substr(1);
      value = value.substr(0, value.find('"'));
    } else {
      value = trimmed(value.substr(0, value.find(';')));
    }
    if (wanted) return std::string(value);
  }
}

/// The name in a part's head, from its Content-Disposition line.
std::optional<std::string> name_of(std::string_view head) {
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    constexpr std::string_view kDisposition = "content-disposition:";
    if (equal_ignoring_case(line.substr(0, kDisposition.size()), kDisposition))
      return parameter(line, "name");
    if (end == std::string_view::npos) break;
    head = head.substr(end + 2);
  }
  return std::nullopt;
}

}  // namespace

http::QueryParams parse_multipart(std::string_view content_type, std::string_view body) {
  http::QueryParams params;
  const std::optional<std::string> boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty()) return params;
  const std::string mark = "--" + *boundary;
  std::size_t at = body.find(mark);
  for (std::size_t part = 0; part < kMaxParts && at != std::string_view::npos; ++part) {
    body = body.substr(at + mark.size());
    if (!body.starts_with("\r\n")) break;  // "--" ends the last part
    const std::size_t end = body.find("\r\n" + mark);
    if (end == std::string_view::npos) break;
    const std::string_view whole = body.substr(2, end >= 2 ? end - 2 : 0);
    const std::size_t blank = whole.find("\r\n\r\n");
    if (blank != std::string_view::npos) {
      if (auto name = name_of(whole.substr(0, blank)); name && !params.get(*name)) {
        params.set(*name, std::string(whole.substr(blank + 4)));
      }
    }
    body = body.substr(end + 2);
    at = 0;
  }
  return params;
}

}  // namespace gpuscale::api
