// SPDX-License-Identifier: Apache-2.0
#include "api/msgpack_writer.h"

#include <bit>
#include <limits>

#include "base/floor_division.h"

namespace gpuscale::api {

namespace {

constexpr std::size_t kFew = 16;  // items whose number fits into the head

template <typename Narrow>
bool fits(std::int64_t value) {
  return value >= std::numeric_limits<Narrow>::min() && value <= std::numeric_limits<Narrow>::max();
}

}  // namespace

void MsgpackWriter::bytes(std::uint64_t value, int count) {
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8)
    byte(static_cast<unsigned>((value >> shift) & 0xffU));
}

void MsgpackWriter::head(std::size_t size, unsigned few, unsigned more) {
  if (size < kFew) return byte(few | static_cast<unsigned>(size));
  const bool wide = size > std::numeric_limits<std::uint16_t>::max();
  byte(wide ? more + 1 : more);
  bytes(size, wide ? 4 : 2);
}

void MsgpackWriter::integer(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  constexpr std::int64_t kLeastInOneByte = -32;
  if (value >= kLeastInOneByte && fits<std::int8_t>(value)) return bytes(bits, 1);
  if (fits<std::int8_t>(value)) {
    byte(0xd0);
    return bytes(bits, 1);
  }
  if (fits<std::int16_t>(value)) {
    byte(0xd1);
    return bytes(bits, 2);
  }
  if (fits<std::int32_t>(value)) {
    byte(0xd2);
    return bytes(bits, 4);
  }
  byte(0xd3);
  bytes(bits, 8);
}

void MsgpackWriter::number(double value) {
  byte(0xcb);
  bytes(std::bit_cast<std::uint64_t>(value), 8);
}

void MsgpackWriter::text(std::string_view value) {
  constexpr std::size_t kShort = 32;
  if (value.size() < kShort) {
    byte(0xa0U | static_cast<unsigned>(value.size()));
  } else if (value.size() <= std::numeric_limits<std::uint8_t>::max()) {
    byte(0xd9);
    bytes(value.size(), 1);
  } else {
    const bool wide = value.size() > std::numeric_limits<std::uint16_t>::max();
    byte(wide ? 0xdb : 0xda);
    bytes(value.size(), wide ? 4 : 2);
  }
  out_ += value;
}

void MsgpackWriter::time(WallTime value) {
  const std::int64_t ns = base::to_unix_nanos(value);
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t rest = base::floor_rest(ns, kSecond);
  byte(0xc7);
  byte(12);
  byte(5);
  bytes(static_cast<std::uint64_t>((ns - rest) / kSecond), 8);
  bytes(static_cast<std::uint64_t>(rest), 4);
}

}  // namespace gpuscale::api
