// SPDX-License-Identifier: Apache-2.0
#include "api/request_ids.h"

#include <string_view>

#include "base/digest.h"

namespace gpuscale::api {
namespace {

/// From 15 October 1582, where the time of a UUID begins, to 1970, in 100 ns (RFC 4122, appendix B).
constexpr std::uint64_t kUuidEpoch = 0x01b21dd213814000ULL;

std::string random_node() {
  const std::string hex = base::random_hex(8);
  return "-8" + hex.substr(0, 3) + "-" + hex.substr(3, 12);
}

/// @return behind them
char* put_hex(char* at, std::uint64_t value, unsigned digits) {
  for (unsigned shift = 4 * digits; shift > 0; shift -= 4)
    *at++ = "0123456789abcdef"[(value >> (shift - 4)) & 0xfU];
  return at;
}

}  // namespace

RequestIds::RequestIds(WallTime start)
    : node_(random_node()),
      next_(kUuidEpoch + static_cast<std::uint64_t>(base::to_unix_nanos(start)) / 100) {}

std::string RequestIds::next() {
  const std::uint64_t time = next_.fetch_add(1, std::memory_order_relaxed);
  constexpr std::size_t kTimeSize = std::string_view("01234567-8901-1234").size();
  std::string out(kTimeSize + node_.size(), '-');
  char* at = put_hex(out.data(), time, 8);
  at = put_hex(at + 1, time >> 32U, 4);
  *++at = '1';
  at = put_hex(at + 1, time >> 48U, 3);
  node_.copy(at, node_.size());
  return out;
}

}  // namespace gpuscale::api
