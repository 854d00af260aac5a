// SPDX-License-Identifier: Apache-2.0
#include "tsdb/float_codec.h"

#include <array>
#include <bit>
#include <cmath>
#include <optional>

namespace gpuscale::tsdb {
namespace {

enum Form : std::uint8_t { kDecimal0 = 0, kLastDecimal = 6, kXor = 7 };
constexpr std::array<double, 7> kScales = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000};
constexpr double kMaxExact = 9'007'199'254'740'992.0;  // 2^53

/// The integer that gives back exactly these bits when divided by `scale`.
std::optional<std::int64_t> as_scaled(std::uint64_t bits, double scale) {
  const double value = std::bit_cast<double>(bits);
  const double scaled = std::nearbyint(value * scale);
  if (!(std::abs(scaled) <= kMaxExact)) return std::nullopt;
  const auto integer = static_cast<std::int64_t>(scaled);
  if (std::bit_cast<std::uint64_t>(static_cast<double>(integer) / scale) != bits) return std::nullopt;
  return integer;
}

bool encode_decimal(std::string& out, const std::vector<std::uint64_t>& bits, std::size_t digits) {
  std::int64_t previous = 0;
  for (const std::uint64_t b : bits) {
    const auto scaled = as_scaled(b, kScales[digits]);
    if (!scaled) return false;
    put_signed(out, *scaled - previous);
    previous = *scaled;
  }
  return true;
}

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void put(std::uint64_t value, unsigned count) {
    while (count > 0) {
      const unsigned room = 8 - used_;
      const unsigned part = count < room ? count : room;
      const auto piece = static_cast<unsigned>((value >> (count - part)) & ((1ULL << part) - 1));
      current_ |= piece << (room - part);
      used_ += part;
      count -= part;
      if (used_ == 8) flush();
    }
  }
  void finish() {
    if (used_ > 0) flush();
  }

 private:
  void flush() {
    out_.push_back(static_cast<char>(current_));
    current_ = 0;
    used_ = 0;
  }
  std::string& out_;
  unsigned current_ = 0;
  unsigned used_ = 0;
};

class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  std::uint64_t get(unsigned count) {
    std::uint64_t value = 0;
    for (; count > 0;) {
      if (at_ / 8 >= bytes_.size()) {
        ok_ = false;
        return 0;
      }
      const auto used = static_cast<unsigned>(at_ % 8);
      const unsigned room = 8 - used;
      const unsigned part = count < room ? count : room;
      const unsigned byte = static_cast<unsigned char>(bytes_[at_ / 8]);
      value = (value << part) | ((byte >> (room - part)) & ((1U << part) - 1U));
      at_ += part;
      count -= part;
    }
    return value;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

std::string encode_xor(const std::vector<std::uint64_t>& bits) {
  std::string out;
  BitWriter writer(out);
  std::uint64_t previous = 0;
  unsigned leading = 65;  // no window yet
  unsigned trailing = 0;
  for (const std::uint64_t b : bits) {
    const std::uint64_t x = b ^ previous;
    previous = b;
    if (x == 0) {
      writer.put(0, 1);
      continue;
    }
    const auto zeros = static_cast<unsigned>(std::countl_zero(x));
    const unsigned lead = zeros > 31 ? 31U : zeros;
    const auto trail = static_cast<unsigned>(std::countr_zero(x));
    if (leading <= lead && trailing <= trail) {
      writer.put(0b10, 2);
      writer.put(x >> trailing, 64 - leading - trailing);
      continue;
    }
    leading = lead;
    trailing = trail;
    const unsigned width = 64 - lead - trail;
    writer.put(0b11, 2);
    writer.put(lead, 5);
    writer.put(width - 1, 6);
    writer.put(x >> trail, width);
  }
  writer.finish();
  return out;
}

bool decode_xor(std::string_view bytes, std::size_t count, std::vector<std::uint64_t>& bits) {
  BitReader reader(bytes);
  std::uint64_t previous = 0;
  unsigned width = 0;
  unsigned trailing = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (reader.get(1) != 0) {
      if (reader.get(1) != 0) {
        const auto leading = static_cast<unsigned>(reader.get(5));
        width = static_cast<unsigned>(reader.get(6)) + 1;
        if (leading + width > 64) return false;
        trailing = 64 - leading - width;
      }
      if (width == 0) return false;
      previous ^= reader.get(width) << trailing;
    }
    if (!reader.ok()) return false;
    bits.push_back(previous);
  }
  return true;
}

}  // namespace

void encode_floats(std::string& out, const std::vector<std::uint64_t>& bits) {
  const std::string exact = encode_xor(bits);
  for (std::size_t digits = 0; digits <= kLastDecimal; ++digits) {
    std::string decimal;
    if (!encode_decimal(decimal, bits, digits)) continue;
    if (decimal.size() > exact.size() + bits.size() / 8) break;
    out.push_back(static_cast<char>(digits));
    out += decimal;
    return;
  }
  out.push_back(static_cast<char>(kXor));
  put_text(out, exact);
}

bool decode_floats(ByteReader& reader, std::size_t count, std::vector<std::uint64_t>& bits) {
  const std::uint8_t form = reader.byte();
  if (!reader.ok() || form > kXor) return false;
  if (form == kXor) return decode_xor(reader.text(), count, bits) && reader.ok();
  std::int64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = wrapping_add(value, reader.signed_varint());
    bits.push_back(std::bit_cast<std::uint64_t>(static_cast<double>(value) / kScales[form]));
  }
  return reader.ok();
}

}  // namespace gpuscale::tsdb
