// SPDX-License-Identifier: Apache-2.0
#include "base/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace gpuscale::base {
namespace {

struct Address {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v6 = false;
};

std::optional<Address> address_of(std::string_view text) {
  const std::string copy(text);
  Address out;
  if (inet_pton(AF_INET, copy.c_str(), out.bytes.data()) == 1) return out;
  if (inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) != 1) return std::nullopt;
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(kMapped.begin(), kMapped.end(), out.bytes.begin())) {
    Address v4;
    std::copy(out.bytes.begin() + 12, out.bytes.end(), v4.bytes.begin());
    return v4;
  }
  out.is_v6 = true;
  return out;
}

}  // namespace

Result<Cidr> Cidr::parse(std::string_view text) {
  const Error wrong =
      fail(Errc::kInvalidArgument,
           "\"" + std::string(text) + "\" is no range of addresses; write 10.0.0.0/8 or 2001:db8::/32");
  const std::size_t slash = text.find('/');
  const auto address = address_of(text.substr(0, slash));
  if (!address) return wrong;
  Cidr out;
  out.text_ = std::string(text);
  out.bytes_ = address->bytes;
  out.is_v6_ = address->is_v6;
  const int most = address->is_v6 ? 128 : 32;
  out.bits_ = most;
  if (slash == std::string_view::npos) return out;
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.bits_);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || out.bits_ < 0 ||
      out.bits_ > most) {
    return wrong;
  }
  return out;
}

bool Cidr::contains(std::string_view text) const {
  const auto address = address_of(text);
  if (!address || address->is_v6 != is_v6_) return false;
  for (int bit = 0; bit < bits_; ++bit) {
    const auto index = static_cast<std::size_t>(bit / 8);
    const unsigned mask = 0x80U >> static_cast<unsigned>(bit % 8);
    if (((bytes_.at(index) ^ address->bytes.at(index)) & mask) != 0) return false;
  }
  return true;
}

}  // namespace gpuscale::base
