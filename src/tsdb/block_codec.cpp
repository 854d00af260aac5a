// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_codec.h"

#include <zstd.h>

#include <array>

#include "tsdb/byte_code.h"
#include "tsdb/float_codec.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::uint8_t kPlain = 1;       // format 1 as it is
constexpr std::uint8_t kCompressed = 2;  // format 1 inside one zstd frame
constexpr int kZstdLevel = 3;
// Far above what encode_block() is given; keeps damaged bytes from asking for all memory.
constexpr std::uint64_t kMaxRows = 1U << 24U;
constexpr std::uint64_t kMaxPlainBytes = 1U << 30U;

constexpr std::array<std::int64_t, 4> kTimeUnits = {1'000'000'000, 1'000'000, 1'000, 1};

std::size_t time_unit(const std::vector<std::int64_t>& times) {
  for (std::size_t u = 0; u < kTimeUnits.size(); ++u) {
    bool fits = true;
    for (const std::int64_t t : times) fits = fits && t % kTimeUnits[u] == 0;
    if (fits) return u;
  }
  return kTimeUnits.size() - 1;
}

/// Delta of delta, in the coarsest unit that loses nothing.
void encode_times(std::string& out, const std::vector<std::int64_t>& times) {
  const std::size_t unit = time_unit(times);
  out.push_back(static_cast<char>(unit));
  std::int64_t previous = 0;
  std::int64_t step = 0;
  for (const std::int64_t t : times) {
    const std::int64_t scaled = t / kTimeUnits[unit];
    const std::int64_t delta = wrapping_sub(scaled, previous);
    put_signed(out, wrapping_sub(delta, step));
    previous = scaled;
    step = delta;
  }
}

bool decode_times(ByteReader& reader, std::size_t rows, std::vector<std::int64_t>& times) {
  const std::uint8_t unit = reader.byte();
  if (unit >= kTimeUnits.size()) return false;
  std::int64_t value = 0;
  std::int64_t step = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    step = wrapping_add(step, reader.signed_varint());
    value = wrapping_add(value, step);
    std::int64_t time = 0;
    if (__builtin_mul_overflow(value, kTimeUnits[unit], &time)) return false;
    if (!times.empty() && time <= times.back()) return false;
    times.push_back(time);
  }
  return reader.ok();
}

void encode_flags(std::string& out, const std::vector<std::uint8_t>& flags) {
  for (std::size_t i = 0; i < flags.size(); i += 8) {
    unsigned byte = 0;
    for (std::size_t bit = 0; bit < 8 && i + bit < flags.size(); ++bit) {
      if (flags[i + bit] != 0) byte |= 1U << bit;
    }
    out.push_back(static_cast<char>(byte));
  }
}

bool decode_flags(ByteReader& reader, std::size_t count, std::vector<std::uint8_t>& flags) {
  const std::string_view bytes = reader.take((count + 7) / 8);
  if (!reader.ok()) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const auto byte = static_cast<unsigned>(static_cast<unsigned char>(bytes[i / 8]));
    flags.push_back(static_cast<std::uint8_t>((byte >> (i % 8)) & 1U));
  }
  return true;
}

void encode_integers(std::string& out, const std::vector<std::uint64_t>& bits) {
  std::int64_t previous = 0;
  for (const std::uint64_t b : bits) {
    const auto value = static_cast<std::int64_t>(b);
    put_signed(out, wrapping_sub(value, previous));
    previous = value;
  }
}

bool decode_integers(ByteReader& reader, std::size_t count, std::vector<std::uint64_t>& bits) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = wrapping_add(value, reader.signed_varint());
    bits.push_back(static_cast<std::uint64_t>(value));
  }
  return reader.ok();
}

/// Presence, then the values that are present.
void encode_column(std::string& out, const BlockColumn& column, std::size_t rows) {
  std::vector<std::uint8_t> present(rows);
  std::vector<std::uint64_t> bits;
  std::vector<std::string_view> strings;
  for (std::size_t row = 0; row < rows; ++row) {
    if (!column.has(row)) continue;
    present[row] = 1;
    if (column.type == FieldType::kString) {
      strings.emplace_back(column.strings[row]);
    } else {
      bits.push_back(column.bits[row]);
    }
  }
  const bool full = bits.size() + strings.size() == rows;
  put_varint(out, column.field);
  out.push_back(static_cast<char>(static_cast<unsigned>(column.type) | (full ? 0U : 4U)));
  std::string body;
  if (!full) encode_flags(body, present);
  switch (column.type) {
    case FieldType::kFloat:
      encode_floats(body, bits);
      break;
    case FieldType::kInteger:
      encode_integers(body, bits);
      break;
    case FieldType::kBoolean:
      encode_flags(body, std::vector<std::uint8_t>(bits.begin(), bits.end()));
      break;
    case FieldType::kString:
      for (const std::string_view text : strings) put_text(body, text);
      break;
  }
  put_text(out, body);
}

bool decode_values(ByteReader& reader, std::size_t count, BlockColumn& column) {
  switch (column.type) {
    case FieldType::kFloat:
      return decode_floats(reader, count, column.bits);
    case FieldType::kInteger:
      return decode_integers(reader, count, column.bits);
    case FieldType::kBoolean: {
      std::vector<std::uint8_t> flags;
      if (!decode_flags(reader, count, flags)) return false;
      column.bits.assign(flags.begin(), flags.end());
      return true;
    }
    case FieldType::kString:
      for (std::size_t i = 0; i < count; ++i) column.strings.emplace_back(reader.text());
      return reader.ok();
  }
  return false;
}

/// Spreads the dense values over the rows that have them.
template <typename T>
void spread(std::vector<T>& values, const std::vector<std::uint8_t>& present) {
  std::vector<T> rows(present.size());
  std::size_t next = 0;
  for (std::size_t row = 0; row < present.size(); ++row) {
    if (present[row] != 0) rows[row] = std::move(values[next++]);
  }
  values = std::move(rows);
}

bool decode_column(ByteReader& reader, std::size_t rows, BlockColumn& column) {
  const std::uint64_t field = reader.varint();
  const std::uint8_t kind = reader.byte();
  ByteReader body(reader.text());
  if (!reader.ok() || kind > 7 || field > UINT32_MAX) return false;
  column.field = static_cast<FieldId>(field);
  column.type = static_cast<FieldType>(kind & 3U);
  std::size_t count = rows;
  if ((kind & 4U) != 0) {
    if (!decode_flags(body, rows, column.present)) return false;
    count = 0;
    for (const std::uint8_t flag : column.present) count += flag;
  }
  if (!decode_values(body, count, column) || !body.at_end()) return false;
  if (!column.present.empty()) {
    if (column.type == FieldType::kString) {
      spread(column.strings, column.present);
    } else {
      spread(column.bits, column.present);
    }
  }
  return true;
}

Result<std::string> decompress(std::string_view frame) {
  const auto size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size > kMaxPlainBytes) return fail(Errc::kCorrupt, "a block's compressed part has no sensible size");
  std::string plain(size, '\0');
  const std::size_t got = ZSTD_decompress(plain.data(), plain.size(), frame.data(), frame.size());
  if (ZSTD_isError(got) != 0 || got != size) return fail(Errc::kCorrupt, "a block does not decompress");
  return plain;
}

}  // namespace

std::string encode_block(const ColumnBlock& block) {
  std::string plain;
  put_varint(plain, block.times.size());
  encode_times(plain, block.times);
  put_varint(plain, block.columns.size());
  for (const BlockColumn& column : block.columns) encode_column(plain, column, block.times.size());

  std::string packed(1 + ZSTD_compressBound(plain.size()), '\0');
  packed[0] = static_cast<char>(kCompressed);
  const std::size_t size =
      ZSTD_compress(packed.data() + 1, packed.size() - 1, plain.data(), plain.size(), kZstdLevel);
  if (ZSTD_isError(size) == 0 && size < plain.size()) {
    packed.resize(1 + size);
    return packed;
  }
  return static_cast<char>(kPlain) + plain;
}

Result<ColumnBlock> decode_block(std::string_view bytes) {
  const std::uint8_t form = bytes.empty() ? 0 : static_cast<std::uint8_t>(bytes.front());
  if (form != kPlain && form != kCompressed) return fail(Errc::kCorrupt, "a block is of no known format");
  std::string_view plain = bytes.substr(1);
  std::string buffer;
  if (form == kCompressed) {
    GS_TRY(buffer, decompress(plain));
    plain = buffer;
  }
  ByteReader reader(plain);
  ColumnBlock block;
  const std::uint64_t rows = reader.varint();
  // Every row takes at least a byte in the time column, every column at least three.
  if (rows > kMaxRows || rows > reader.left() || !decode_times(reader, rows, block.times)) {
    return fail(Errc::kCorrupt, "a block's times do not decode");
  }
  const std::uint64_t columns = reader.varint();
  if (columns > reader.left()) return fail(Errc::kCorrupt, "a block is cut short");
  block.columns.resize(columns);
  for (BlockColumn& column : block.columns) {
    if (!decode_column(reader, rows, column)) return fail(Errc::kCorrupt, "a block's column does not decode");
  }
  if (!reader.ok() || !reader.at_end()) return fail(Errc::kCorrupt, "a block has bytes left over");
  return block;
}

}  // namespace gpuscale::tsdb
