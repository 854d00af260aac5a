// SPDX-License-Identifier: Apache-2.0
#include "api/request_ids.h"

#include "base/digest.h"

namespace gpuscale::api {
namespace {

/// From 15 October 1582, where the time of a UUID begins, to 1970, in 100 ns (RFC 4122, appendix B).
constexpr std::uint64_t kUuidEpoch = 0x01b21dd213814000ULL;

std::string random_node() {
  const std::string hex = base::random_hex(8);
  return "-8" + hex.substr(0, 3) + "-" + hex.substr(3, 12);
}

void append_hex(std::string& out, std::uint64_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out.push_back("0123456789abcdef"[(value >> static_cast<unsigned>(shift)) & 0xfU]);
}

}  // namespace

RequestIds::RequestIds(WallTime start)
    : node_(random_node()),
      next_(kUuidEpoch + static_cast<std::uint64_t>(base::to_unix_nanos(start)) / 100) {}

std::string RequestIds::next() {
  const std::uint64_t time = next_.fetch_add(1, std::memory_order_relaxed);
  std::string out;
  out.reserve(36);
  append_hex(out, time, 8);
  out += '-';
  append_hex(out, time >> 32U, 4);
  out += "-1";
  append_hex(out, time >> 48U, 3);
  return out += node_;
}

}  // namespace gpuscale::api
