// SPDX-License-Identifier: Apache-2.0
/// "HOST:PORT" as --listen takes it.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace gpuscale::cli {

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;

  bool loopback() const;
  /// How a program on this machine reaches it: "http://127.0.0.1:8486", also for 0.0.0.0 and [::].
  std::string url(const std::string& scheme, std::uint16_t actual_port) const;
};

/// "127.0.0.1:8486", "[::1]:8486", "localhost:8486", ":8486" (every address). Errors: kInvalidArgument.
Result<ListenAddress> parse_listen_address(const std::string& text);

}  // namespace gpuscale::cli
