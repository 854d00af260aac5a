// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the letters our formats are written in. Varints are LEB128; signed ones zigzag first.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace gpuscale::tsdb {

inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1U));
}
/// Differences wrap around instead of overflowing: the sum wraps back.
inline std::int64_t wrapping_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
inline std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

/// The longest a varint is.
constexpr std::size_t kMostVarint = 10;

/// Each of these writes at `at` and returns the place behind it.
inline char* put_varint(char* at, std::uint64_t value) {
  while (value >= 0x80U) {
    *at++ = static_cast<char>(value | 0x80U);
    value >>= 7U;
  }
  *at++ = static_cast<char>(value);
  return at;
}
inline char* put_signed(char* at, std::int64_t value) {
  return put_varint(at, zigzag(value));
}
/// Eight bytes, least significant first.
inline char* put_fixed(char* at, std::uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

inline void put_varint(std::string& out, std::uint64_t value) {
  char buffer[kMostVarint];
  out.append(buffer, static_cast<std::size_t>(put_varint(buffer, value) - buffer));
}
inline void put_signed(std::string& out, std::int64_t value) {
  put_varint(out, zigzag(value));
}
inline void put_fixed(std::string& out, std::uint64_t value) {
  char buffer[sizeof value];
  out.append(buffer, static_cast<std::size_t>(put_fixed(buffer, value) - buffer));
}
inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out += text;
}

/// Sixty-four bits that tell damaged bytes from whole ones; no defence against malice.
inline std::uint64_t checksum(std::string_view bytes) {
  constexpr std::uint64_t kOddMultiplier = 0x9e3779b97f4a7c15ULL;  // 2^64 / golden ratio
  std::uint64_t sum = bytes.size() * kOddMultiplier;
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t part = bytes.size() < sizeof word ? bytes.size() : sizeof word;
    std::memcpy(&word, bytes.data(), part);
    sum = (std::rotl(sum, 29) ^ word) * kOddMultiplier;
    bytes.remove_prefix(part);
  }
  return sum ^ (sum >> 32U);
}

/// Reads the same back. Running past the end or a malformed varint makes ok() false and every later read 0.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return at_ == bytes_.size(); }
  std::size_t left() const { return bytes_.size() - at_; }

  std::uint8_t byte() {
    if (at_ >= bytes_.size()) return static_cast<std::uint8_t>(give_up());
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  std::uint64_t varint() {
    // Most are short, and far from the end.
    if (left() >= 2) {
      const auto first = static_cast<std::uint8_t>(bytes_[at_]);
      const auto second = static_cast<std::uint8_t>(bytes_[at_ + 1]);
      if (first < 0x80U) {
        ++at_;
        return first;
      }
      if (second < 0x80U) {
        at_ += 2;
        return (first & 0x7fU) | static_cast<std::uint64_t>(second) << 7U;
      }
    }
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t part = byte();
      if (!ok_) return 0;
      value |= static_cast<std::uint64_t>(part & 0x7fU) << shift;
      if (part < 0x80U) return value;
    }
    return give_up();
  }
  std::int64_t signed_varint() { return unzigzag(varint()); }
  std::uint64_t fixed() {
    std::uint64_t value = 0;
    const std::string_view part = take(sizeof value);
    if (part.size() == sizeof value) std::memcpy(&value, part.data(), sizeof value);
    return value;
  }
  std::string_view text() { return take(varint()); }
  std::string_view take(std::uint64_t size) {
    if (size > left()) {
      give_up();
      return {};
    }
    const std::string_view part = bytes_.substr(at_, size);
    at_ += size;
    return part;
  }

 private:
  std::uint64_t give_up() {
    ok_ = false;
    at_ = bytes_.size();
    return 0;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// With eight bytes of checksum behind them.
inline std::string with_checksum(std::string bytes) {
  put_fixed(bytes, checksum(bytes));
  return bytes;
}
/// The bytes before the checksum; nothing where it does not fit.
inline std::optional<std::string_view> without_checksum(std::string_view bytes) {
  if (bytes.size() < sizeof(std::uint64_t)) return std::nullopt;
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(std::uint64_t));
  if (ByteReader(bytes.substr(body.size())).fixed() != checksum(body)) return std::nullopt;
  return body;
}
/// The checksum that stands behind bytes which have one.
inline std::uint64_t trailing_checksum(std::string_view bytes) {
  return ByteReader(bytes.substr(bytes.size() - sizeof(std::uint64_t))).fixed();
}

}  // namespace gpuscale::tsdb
