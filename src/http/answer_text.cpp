// SPDX-License-Identifier: Apache-2.0
#include "http/answer_text.h"

#include <array>
#include <boost/beast/http/status.hpp>
#include <ctime>

namespace gpuscale::http {
namespace {

/// IMF-fixdate (RFC 9110, 5.6.7).
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

}  // namespace

bool accepts_gzip(std::string_view header) {
  const std::size_t at = header.find("gzip");
  if (at == std::string_view::npos) return false;
  const std::string_view rest = header.substr(at + 4);
  return !rest.starts_with(";q=0") || rest.starts_with(";q=0.");
}

bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

std::string head_text(const Response& response, unsigned version, bool keep_alive) {
  std::string out = version >= 11 ? "HTTP/1.1 " : "HTTP/1.0 ";
  const auto status = static_cast<boost::beast::http::status>(response.status);
  out += std::to_string(response.status) + " " + std::string(boost::beast::http::obsolete_reason(status)) +
         "\r\n";
  for (const auto& [name, value] : response.headers.fields()) {
    out += name + ": " + value.substr(0, value.find_first_of("\r\n")) + "\r\n";
  }
  if (!response.headers.has("Date")) out += "Date: " + http_date() + "\r\n";
  if (!keep_alive) {
    out += "Connection: close\r\n";
  } else if (version < 11) {
    out += "Connection: keep-alive\r\n";
  }
  return out;
}

Response refusal(int status, const char* why) {
  return Response::json(status, std::string("{\"error\":\"") + why + "\"}\n");
}

}  // namespace gpuscale::http
