// SPDX-License-Identifier: Apache-2.0
#include "tsdb/float_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>

#include "base/vector_clones.h"
#include "tsdb/byte_code.h"
#include "tsdb/packed_integers.h"

namespace gpuscale::tsdb {
namespace {

enum Form : std::uint8_t { kDecimal0 = 0, kLastDecimal = 6, kXor = 7 };
constexpr std::array<double, 7> kScales = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000};
constexpr double kMaxExact = 9'007'199'254'740'992.0;  // 2^53

/// The integers that give back exactly these values when divided by `scale`; false where one has none.
bool scaled_one_by_one(std::span<const double> values, double scale, std::int64_t* out) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scaled = values[i] * scale;
    if (!(std::abs(scaled) <= kMaxExact)) return false;
    // To the nearest; nearbyint() is a call where the processor's own rounding may not be asked for.
    const auto integer = static_cast<std::int64_t>(scaled + std::copysign(0.5, scaled));
    const double back = static_cast<double>(integer) / scale;
    if (std::bit_cast<std::uint64_t>(back) != std::bit_cast<std::uint64_t>(values[i])) return false;
    out[i] = integer;
  }
  return true;
}

/// The same of smaller values, many at once: what is added to one leaves no room for fractions, and its bits
/// are the integer's. Where it says false there may be larger ones.
GPUSCALE_VECTOR_CLONES
bool scaled_at_once(std::span<const double> values, double scale, std::int64_t* out) {
  constexpr double kNoFractions = 6'755'399'441'055'744.0;  // 1.5 * 2^52
  constexpr double kMost = 1'125'899'906'842'624.0;         // 2^50: the sum keeps its exponent
  std::uint64_t differing = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scaled = values[i] * scale;
    const double sum = scaled + kNoFractions;
    const double back = (sum - kNoFractions) / scale;
    // Minus zero comes back as zero, and so differs; what is no number is not below the most.
    differing |= std::bit_cast<std::uint64_t>(back) ^ std::bit_cast<std::uint64_t>(values[i]);
    differing |= std::abs(scaled) <= kMost ? 0U : 1U;
    out[i] = wrapping_sub(std::bit_cast<std::int64_t>(sum), std::bit_cast<std::int64_t>(kNoFractions));
  }
  return differing == 0;
}

bool scaled_exactly(std::span<const double> values, double scale, std::vector<std::int64_t>& out) {
  out.resize(values.size());
  constexpr std::size_t kAtOnce = 64;  // so that a scale that does not do is soon left
  for (std::size_t at = 0; at < values.size(); at += kAtOnce) {
    const auto part = values.subspan(at, std::min(kAtOnce, values.size() - at));
    if (!scaled_at_once(part, scale, out.data() + at) && !scaled_one_by_one(part, scale, out.data() + at))
      return false;
  }
  return true;
}

/// Those integers as numbers again.
void scale_down(std::span<const std::int64_t> integers, double scale, double* out) {
  if (scale == 1) {
    for (std::size_t i = 0; i < integers.size(); ++i) out[i] = static_cast<double>(integers[i]);
    return;
  }
  // Two at a time where the processor divides as many at once.
  using Pair = double __attribute__((vector_size(16)));
  const Pair scales{scale, scale};
  std::size_t i = 0;
  for (; i + 2 <= integers.size(); i += 2) {
    const Pair pair = Pair{static_cast<double>(integers[i]), static_cast<double>(integers[i + 1])} / scales;
    std::memcpy(out + i, &pair, sizeof pair);
  }
  for (; i < integers.size(); ++i) out[i] = static_cast<double>(integers[i]) / scale;
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

void put_xor(std::string& out, std::span<const double> values) {
  BitWriter writer(out);
  std::uint64_t previous = 0;
  unsigned leading = 65;  // no window yet
  unsigned trailing = 0;
  for (const double value : values) {
    const auto b = std::bit_cast<std::uint64_t>(value);
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
}

bool get_xor(std::string_view bytes, std::size_t count, std::vector<double>& out) {
  // Every value takes a bit at least: a damaged count must not ask for all memory.
  if (count / 8 > bytes.size()) return false;
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
    out.push_back(std::bit_cast<double>(previous));
  }
  return true;
}

}  // namespace

void encode_floats(std::string& out, std::span<const double> values) {
  std::vector<std::int64_t> integers;
  for (std::size_t digits = 0; digits <= kLastDecimal; ++digits) {
    if (!scaled_exactly(values, kScales[digits], integers)) continue;
    out.push_back(static_cast<char>(digits));
    pack_integers(out, integers);
    return;
  }
  out.push_back(static_cast<char>(kXor));
  put_xor(out, values);
}

bool decode_floats_at(ByteReader& reader, std::size_t count, RowRange rows, std::vector<double>& out) {
  const std::uint8_t form = reader.byte();
  if (!reader.ok() || form > kXor) return false;
  if (form == kXor) {
    std::vector<double> all;
    if (!get_xor(reader.take(reader.left()), count, all)) return false;
    out.insert(out.end(), all.begin() + static_cast<std::ptrdiff_t>(rows.begin),
               all.begin() + static_cast<std::ptrdiff_t>(rows.end));
    return true;
  }
  const double scale = kScales[form];
  PackedRuns runs(reader, count);
  return each_run_at(runs, rows, [&](std::span<const std::int64_t> part) {
    const std::size_t first = out.size();
    out.resize(first + part.size());
    scale_down(part, scale, out.data() + first);
  });
}

bool decode_floats(ByteReader& reader, std::size_t count, std::vector<double>& out) {
  return decode_floats_at(reader, count, {0, count}, out);
}

}  // namespace gpuscale::tsdb
