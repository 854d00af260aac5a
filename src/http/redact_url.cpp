// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "http/client.h"

namespace gpuscale::http {

std::string redact_url(std::string_view url) {
  std::string out;
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    out = url.substr(0, scheme + 3);
    url.remove_prefix(scheme + 3);
    const std::size_t authority = std::min(url.find_first_of("/?#"), url.size());
    if (const std::size_t at = url.substr(0, authority).rfind('@'); at != std::string_view::npos) {
      url.remove_prefix(at + 1);
    }
  }
  const std::size_t mark = url.find_first_of("?#");
  out += url.substr(0, mark);
  if (mark == std::string_view::npos) return out;
  if (url[mark] == '#') return out;
  std::string_view query = url.substr(mark + 1);
  query = query.substr(0, query.find('#'));
  char separator = '?';
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view item = query.substr(0, end);
    const std::size_t equals = item.find('=');
    out += separator;
    // A key without a value may be a secret by itself.
    out += equals == std::string_view::npos ? "***" : std::string(item.substr(0, equals)) + "=***";
    separator = '&';
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return out;
}

}  // namespace gpuscale::http
