// SPDX-License-Identifier: Apache-2.0
#include "cli/listen_address.h"

#include <charconv>

namespace gpuscale::cli {

bool ListenAddress::loopback() const {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string ListenAddress::url(const std::string& scheme, std::uint16_t actual_port) const {
  std::string reachable = host;
  if (host == "0.0.0.0") reachable = "127.0.0.1";
  if (host == "::") reachable = "::1";
  if (reachable.find(':') != std::string::npos) reachable = "[" + reachable + "]";
  return scheme + "://" + reachable + ":" + std::to_string(actual_port);
}

Result<ListenAddress> parse_listen_address(const std::string& text) {
  const auto bad = [&](const std::string& why) {
    return fail(Errc::kInvalidArgument, "--listen " + text + ": " + why + "; write it as 127.0.0.1:8486");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return bad("has no port");
  ListenAddress address;
  address.host = text.substr(0, colon);
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (address.host.find(':') != std::string::npos) {
    return bad("an IPv6 address stands in brackets");
  }
  if (address.host.empty()) address.host = "0.0.0.0";
  const std::string port = text.substr(colon + 1);
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (ec != std::errc{} || end != port.data() + port.size() || port.empty())
    return bad("the port is not 0..65535");
  return address;
}

}  // namespace gpuscale::cli
