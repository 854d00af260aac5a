// SPDX-License-Identifier: Apache-2.0
#include "tsdb/packed_integers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/vector_clones.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::uint8_t kDistances = 1;  ///< else differences
/// The lowest bits, which all values have in common, are left out: sizes in bytes are mostly whole mebibytes.
constexpr std::uint8_t kShifted = 2;
/// In the width of a run: where few of its numbers are not zero, which they are comes before them.
constexpr std::uint8_t kSparse = 0x80;
/// Integers that share one width: few enough that one outlier spoils little.
constexpr std::size_t kRun = PackedRuns::kMost;

unsigned width_of(std::uint64_t bits) {
  return static_cast<unsigned>(std::bit_width(bits));
}

void put_bits(std::string& out, const std::array<std::uint64_t, kRun>& values, std::size_t count,
              unsigned width) {
  std::array<std::uint64_t, kRun + 1> words{};
  std::size_t word = 0;
  unsigned fill = 0;
  for (std::size_t i = 0; i < count; ++i) {
    words[word] |= values[i] << fill;
    if (fill + width < 64) {
      fill += width;
      continue;
    }
    if (fill > 0) words[word + 1] = values[i] >> (64 - fill);
    ++word;
    fill = fill + width - 64;
  }
  out.append(reinterpret_cast<const char*>(words.data()), (count * width + 7) / 8);
}

/// Numbers of one width out of packed bits, eight at a time, since those end with a byte; so beyond the last
/// one up to seven more are read, and written. The width is a constant, or shifts and addresses would be
/// reckoned for each number.
template <unsigned kWidth>
void unpack(const char* bytes, std::size_t count, std::uint64_t* values) {
  constexpr std::uint64_t kMask = kWidth == 64 ? ~0ULL : (1ULL << kWidth) - 1;
  for (std::size_t i = 0; i < count; i += 8, bytes += kWidth, values += 8) {
#pragma GCC unroll 8
    for (unsigned k = 0; k < 8; ++k) {
      const unsigned shift = k * kWidth % 8;
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + k * kWidth / 8, sizeof word);
      std::uint64_t value = word >> shift;
      if (shift + kWidth > 64) {
        const auto rest = static_cast<unsigned char>(bytes[k * kWidth / 8 + sizeof word]);
        value |= static_cast<std::uint64_t>(rest) << ((64 - shift) % 64);
      }
      values[k] = value & kMask;
    }
  }
}

using Unpack = void (*)(const char* bytes, std::size_t count, std::uint64_t* values);
template <unsigned... kWidths>
constexpr std::array<Unpack, sizeof...(kWidths)> unpack_of(std::integer_sequence<unsigned, kWidths...>) {
  return {&unpack<kWidths>...};
}
constexpr auto kUnpack = unpack_of(std::make_integer_sequence<unsigned, 65>());
/// Behind the packed bits, that unpacking may read: a group that begins with the last number, and the rest of
/// its last number's words.
constexpr std::size_t kReadBehind = 64 + sizeof(std::uint64_t);

bool get_bits(ByteReader& reader, std::array<std::uint64_t, kRun>& values, std::size_t count,
              unsigned width) {
  const std::string_view packed = reader.take((count * width + 7) / 8);
  if (!reader.ok()) return false;
  if (reader.left() >= kReadBehind) {
    kUnpack[width](packed.data(), count, values.data());
    return true;
  }
  std::array<char, kRun * 8 + kReadBehind> bytes;
  std::copy(packed.begin(), packed.end(), bytes.begin());
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(packed.size()), kReadBehind, '\0');
  kUnpack[width](bytes.data(), count, values.data());
  return true;
}

std::size_t bytes_of_bits(std::size_t count, unsigned width) {
  return (count * width + 7) / 8;
}

/// Of a run with its numbers that are not zero alone, and which those are.
std::size_t sparse_bytes(std::size_t count, std::size_t present, unsigned width) {
  return bytes_of_bits(count, 1) + bytes_of_bits(present, width);
}

std::size_t bytes_for(std::size_t count, std::size_t present, unsigned width) {
  return 1 + std::min(bytes_of_bits(count, width), sparse_bytes(count, present, width));
}

/// The `stored` first numbers to the places that the mask names; zeros to the others.
void spread(std::array<std::uint64_t, kRun>& numbers, std::size_t stored, std::uint64_t mask) {
  for (std::size_t i = kRun; i-- > 0;) numbers[i] = (mask >> i & 1U) != 0 ? numbers[--stored] : 0;
}

/// What the form of a run goes by.
struct Shape {
  std::uint64_t all = 0;    ///< the bits of any of its numbers
  std::size_t present = 0;  ///< that are not zero

  void add(std::uint64_t number) {
    all |= number;
    present += number != 0 ? 1U : 0U;
  }
};

using Run = std::span<const std::int64_t>;  ///< kRun values at most
using Numbers = std::array<std::uint64_t, kRun>;

/// The lowest bits of a difference that are zero go after the zigzag: shifting a number with a sign takes
/// more than one instruction for four at once.
inline std::uint64_t difference(std::int64_t value, std::int64_t before, unsigned shift) {
  return zigzag(wrapping_sub(value, before)) >> shift;
}

inline std::uint64_t distance(std::int64_t value, std::int64_t least, unsigned shift) {
  return (static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(least)) >> shift;
}

/// @param values with one before the first
GPUSCALE_VECTOR_CLONES
Shape differences_of(const std::int64_t* values, std::size_t count, unsigned shift, Numbers& numbers) {
  Shape shape;
  for (std::size_t i = 0; i < count; ++i) {
    numbers[i] = difference(values[i], (values - 1)[i], shift);
    shape.add(numbers[i]);
  }
  return shape;
}

GPUSCALE_VECTOR_CLONES
Shape distances_of(Run run, std::int64_t least, unsigned shift, Numbers& numbers) {
  Shape shape;
  for (std::size_t i = 0; i < run.size(); ++i) {
    numbers[i] = distance(run[i], least, shift);
    shape.add(numbers[i]);
  }
  return shape;
}

GPUSCALE_VECTOR_CLONES
std::int64_t least_of(Run run) {
  std::int64_t least = run[0];
  for (const std::int64_t value : run) least = value < least ? value : least;
  return least;
}

struct Shapes {
  Shape differences;
  Shape distances;
};

/// Those of a run whose first difference is not counted.
GPUSCALE_VECTOR_CLONES
Shapes shapes_of(Run run, unsigned shift) {
  std::int64_t least = run[0];
  std::int64_t most = run[0];
  for (const std::int64_t value : run) {
    least = value < least ? value : least;
    most = value > most ? value : most;
  }
  Shapes shapes;
  for (const std::int64_t value : run) shapes.distances.present += value != least ? 1U : 0U;
  shapes.distances.all = distance(most, least, shift);
  for (std::size_t i = 1; i < run.size(); ++i) shapes.differences.add(difference(run[i], run[i - 1], shift));
  return shapes;
}

/// How many of the lowest bits all values have in common.
GPUSCALE_VECTOR_CLONES
unsigned common_low_bits(std::span<const std::int64_t> values) {
  std::uint64_t differing = 0;
  for (std::size_t i = 1; i < values.size(); ++i)
    differing |= static_cast<std::uint64_t>(values[i]) ^ static_cast<std::uint64_t>(values[i - 1]);
  return differing == 0 ? 0 : static_cast<unsigned>(std::countr_zero(differing));
}

void put_run(std::string& out, Numbers& numbers, std::size_t count, const Shape& shape) {
  const unsigned width = width_of(shape.all);
  if (bytes_of_bits(count, width) <= sparse_bytes(count, shape.present, width)) {
    out.push_back(static_cast<char>(width));
    if (width != 0) put_bits(out, numbers, count, width);
    return;
  }
  out.push_back(static_cast<char>(width | kSparse));
  std::uint64_t mask = 0;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (numbers[i] == 0) continue;
    mask |= 1ULL << i;
    numbers[kept++] = numbers[i];
  }
  out.append(reinterpret_cast<const char*>(&mask), bytes_of_bits(count, 1));
  put_bits(out, numbers, kept, width);
}

template <typename Visit>
void each_run(std::span<const std::int64_t> values, const Visit& visit) {
  for (; !values.empty(); values = values.subspan(std::min(kRun, values.size())))
    visit(values.first(std::min(kRun, values.size())));
}

void put_differences(std::string& out, std::span<const std::int64_t> values, unsigned shift) {
  put_signed(out, values.front());
  Numbers numbers;
  each_run(values.subspan(1), [&](Run run) {
    const Shape shape = differences_of(run.data(), run.size(), shift, numbers);
    put_run(out, numbers, run.size(), shape);
  });
}

void put_distances(std::string& out, std::span<const std::int64_t> values, unsigned shift) {
  Numbers numbers;
  each_run(values, [&](Run run) {
    const std::int64_t least = least_of(run);
    put_signed(out, least);
    const Shape shape = distances_of(run, least, shift, numbers);
    put_run(out, numbers, run.size(), shape);
  });
}

bool distances_are_shorter(std::span<const std::int64_t> values, unsigned shift) {
  std::size_t differences = 1;
  std::size_t distances = 0;
  each_run(values, [&](Run run) {
    const Shapes shapes = shapes_of(run, shift);
    distances += 2 + bytes_for(run.size(), shapes.distances.present, width_of(shapes.distances.all));
    differences += bytes_for(run.size(), shapes.differences.present, width_of(shapes.differences.all));
  });
  return distances < differences;
}

}  // namespace

void pack_integers(std::string& out, std::span<const std::int64_t> values) {
  if (values.empty()) return;
  const unsigned shift = common_low_bits(values);
  const bool distances = distances_are_shorter(values, shift);
  out.push_back(static_cast<char>((distances ? kDistances : 0U) | (shift > 0 ? kShifted : 0U)));
  if (shift > 0) out.push_back(static_cast<char>(shift));
  if (distances) {
    put_distances(out, values, shift);
  } else {
    put_differences(out, values, shift);
  }
}

PackedRuns::PackedRuns(ByteReader& reader, std::size_t count) : reader_(reader), left_(count) {
  if (count == 0) return;
  const std::uint8_t form = reader.byte();
  distances_ = (form & kDistances) != 0;
  if ((form & kShifted) != 0) shift_ = reader.byte();
  if (!reader.ok() || form > (kDistances | kShifted) || shift_ > 63) ok_ = false;
}

bool PackedRuns::give_up() {
  ok_ = false;
  return false;
}

bool PackedRuns::next() {
  return take(true);
}

bool PackedRuns::skip() {
  return take(false);
}

std::size_t PackedRuns::coming() const {
  return !distances_ && !started_ ? std::min<std::size_t>(1, left_) : std::min(kRun, left_);
}

bool PackedRuns::take(bool wanted) {
  if (!ok_ || left_ == 0) return false;
  if (!distances_ && !started_) {
    started_ = true;
    last_ = run_[0] = reader_.signed_varint();
    size_ = 1;
    --left_;
    return reader_.ok() || give_up();
  }
  size_ = std::min(kRun, left_);
  left_ -= size_;
  const std::int64_t least = distances_ ? reader_.signed_varint() : last_;
  const std::uint8_t form = reader_.byte();
  const auto width = static_cast<unsigned>(form & (kSparse - 1));
  const bool sparse = (form & kSparse) != 0;
  if (!reader_.ok() || width > 64 || (sparse && width == 0)) return give_up();
  std::uint64_t mask = 0;
  if (sparse) {
    const std::string_view bits = reader_.take(bytes_of_bits(size_, 1));
    if (!reader_.ok()) return give_up();
    std::memcpy(&mask, bits.data(), bits.size());
    if (size_ < kRun && mask >> size_ != 0) return give_up();
  }
  const std::size_t stored = sparse ? static_cast<std::size_t>(std::popcount(mask)) : size_;
  if (!wanted && distances_) {
    reader_.take(bytes_of_bits(stored, width));
    return reader_.ok() || give_up();
  }
  if (width == 0) {
    std::fill_n(run_.begin(), size_, least);
    return true;
  }
  std::array<std::uint64_t, kRun> numbers;
  if (!get_bits(reader_, numbers, stored, width)) return give_up();
  if (sparse) spread(numbers, stored, mask);
  if (distances_) {
    for (std::size_t i = 0; i < size_; ++i)
      run_[i] = wrapping_add(least, static_cast<std::int64_t>(numbers[i] << shift_));
  } else {
    for (std::size_t i = 0; i < size_; ++i) {
      const auto difference = static_cast<std::uint64_t>(unzigzag(numbers[i])) << shift_;
      run_[i] = last_ = wrapping_add(last_, static_cast<std::int64_t>(difference));
    }
  }
  return true;
}

}  // namespace gpuscale::tsdb
