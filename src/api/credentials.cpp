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
  if (!request.headers.has("Authorization")) {
    const auto session = session_cookie(request);
    return session ? std::optional(Credentials{"", *session}) : std::optional<Credentials>();
  }
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

std::string session_cookie_name(const http::Request& request) {
  const std::string_view host = request.headers.get("Host");
  const std::size_t colon = host.rfind(':');
  std::string name = "gpuscale_";
  if (colon == std::string_view::npos) return name;
  for (const char c : host.substr(colon + 1)) {
    if (c >= '0' && c <= '9') name += c;
  }
  return name;
}

std::optional<Secret> session_cookie(const http::Request& request) {
  const std::string_view site = request.headers.get("Sec-Fetch-Site");
  if (!site.empty() && site != "same-origin" && site != "none") return std::nullopt;
  const std::string name = session_cookie_name(request) + "=";
  std::string_view rest = request.headers.get("Cookie");
  while (!rest.empty()) {
    const std::size_t end = rest.find(';');
    const std::string_view cookie = trimmed(rest.substr(0, end));
    if (cookie.starts_with(name) && cookie.size() > name.size()) {
      return Secret(std::string(cookie.substr(name.size())));
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return std::nullopt;
}

}  // namespace gpuscale::api
