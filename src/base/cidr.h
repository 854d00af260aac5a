// SPDX-License-Identifier: Apache-2.0
/// Ranges of addresses: "10.0.0.0/8", "2001:db8::/32", "192.0.2.7". Pure.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpuscale::base {

class Cidr {
 public:
  /// A single address is a range of one. Errors: kInvalidArgument naming the text.
  static Result<Cidr> parse(std::string_view text);

  /// Whether an address, as a socket prints it, lies in the range; IPv4 in IPv6's clothes
  /// ("::ffff:10.0.0.1") counts as IPv4. What is no address lies in none.
  bool contains(std::string_view address) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::array<std::uint8_t, 16> bytes_{};
  bool is_v6_ = false;
  int bits_ = 0;  ///< of the prefix
};

}  // namespace gpuscale::base
