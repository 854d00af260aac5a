// SPDX-License-Identifier: Apache-2.0
#include "api/credentials.h"

#include "api/text.h"
#include "base/digest.h"

namespace gpuscale::api {

namespace {

std::optional<Credentials> split_user(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return Credentials{std::string(text.substr(0, colon)), Secret(std::string(text.substr(colon + 1)))};
}

}  // namespace

Result<std::optional<Credentials>> credentials_of(const http::Request& request, UrlCredentials url) {
  if (url == UrlCredentials::kTaken) {
    std::string user = request.query.get_or("u", "");
    std::string password = request.query.get_or("p", "");
    if (!user.empty() && !password.empty()) {
      return std::optional(Credentials{std::move(user), Secret(std::move(password))});
    }
  }
  if (!request.headers.has("Authorization")) return std::optional<Credentials>();
  const std::string_view header = trimmed(request.headers.get("Authorization"));
  const std::size_t blank = header.find(' ');
  const std::string_view scheme = header.substr(0, blank);
  const std::string_view rest =
      blank == std::string_view::npos ? std::string_view() : trimmed(header.substr(blank));
  const Error unparsable = fail(Errc::kUnauthenticated, "unable to parse authentication credentials");
  if (rest.empty()) return unparsable;
  if (equal_ignoring_case(scheme, "Basic")) {
    auto split = split_user(base::base64_decode(rest));
    if (!split) return unparsable;
    return split;
  }
  if (equal_ignoring_case(scheme, "Token")) {
    if (auto split = split_user(rest)) return split;
    return std::optional(Credentials{"", Secret(std::string(rest))});
  }
  if (equal_ignoring_case(scheme, "Bearer")) return std::optional(Credentials{"", Secret(std::string(rest))});
  return unparsable;
}

}  // namespace gpuscale::api
