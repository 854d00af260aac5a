// SPDX-License-Identifier: Apache-2.0
#include "http/answer_text.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <ctime>

namespace gpuscale::http {

const std::string& HttpDate::now() {
  const std::time_t now = std::time(nullptr);
  if (now == second_) return text_;
  second_ = now;
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  text_.assign(text.data(), size);
  return text_;
}

bool accepts_gzip(std::string_view header) {
  const std::size_t at = header.find("gzip");
  if (at == std::string_view::npos) return false;
  const std::string_view rest = header.substr(at + 4);
  return !rest.starts_with(";q=0") || rest.starts_with(";q=0.");
}

bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

void put_head(std::string& out, const Response& response, unsigned version, bool keep_alive,
              std::string_view date) {
  out.clear();
  out.reserve(512);
  const auto append = [&out](auto&&... pieces) { (out.append(pieces), ...); };
  const auto status = static_cast<boost::beast::http::status>(response.status);
  const auto reason = boost::beast::http::obsolete_reason(status);
  append(version >= 11 ? "HTTP/1.1 " : "HTTP/1.0 ", std::to_string(response.status), " ");
  append(std::string_view(reason.data(), reason.size()), "\r\n");
  for (const auto& [name, value] : response.headers.fields()) {
    const auto line_end =
        std::find_if(value.begin(), value.end(), [](char c) { return c == '\r' || c == '\n'; });
    append(name, ": ", std::string_view(value.begin(), line_end), "\r\n");
  }
  if (!response.headers.has("Date")) append("Date: ", date, "\r\n");
  if (!keep_alive) {
    append("Connection: close\r\n");
  } else if (version < 11) {
    append("Connection: keep-alive\r\n");
  }
}

Response refusal(int status, const char* why) {
  return Response::json(status, std::string("{\"error\":\"") + why + "\"}\n");
}

}  // namespace gpuscale::http
