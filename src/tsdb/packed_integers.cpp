// SPDX-License-Identifier: Apache-2.0
#include "tsdb/packed_integers.h"

#include <algorithm>
#include <array>

namespace gpuscale::tsdb {
namespace {

constexpr std::uint8_t kDifferences = 0;
constexpr std::uint8_t kDistances = 1;
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

bool get_bits(ByteReader& reader, std::array<std::uint64_t, kRun>& values, std::size_t count,
              unsigned width) {
  const std::string_view packed = reader.take((count * width + 7) / 8);
  if (!reader.ok()) return false;
  // A copy with room behind it, so that whole words may be read.
  std::array<unsigned char, (kRun + 2) * 8> bytes;
  std::copy(packed.begin(), packed.end(), bytes.begin());
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(packed.size()), 16, std::uint8_t{0});
  const std::uint64_t mask = width == 64 ? ~0ULL : (1ULL << width) - 1;
  std::size_t bit = 0;
  for (std::size_t i = 0; i < count; ++i, bit += width) {
    std::uint64_t low = 0;
    std::memcpy(&low, bytes.data() + bit / 8, sizeof low);
    const unsigned shift = bit % 8;
    std::uint64_t value = low >> shift;
    if (shift + width > 64) value |= static_cast<std::uint64_t>(bytes[bit / 8 + 8]) << (64 - shift);
    values[i] = value & mask;
  }
  return true;
}

std::size_t bytes_for(std::size_t count, unsigned width) {
  return 1 + (count * width + 7) / 8;
}

struct Run {
  std::size_t begin;
  std::size_t count;
};

template <typename Visit>
void each_run(std::size_t begin, std::size_t end, const Visit& visit) {
  for (std::size_t at = begin; at < end; at += kRun) visit(Run{at, std::min(kRun, end - at)});
}

void put_differences(std::string& out, std::span<const std::int64_t> values) {
  out.push_back(static_cast<char>(kDifferences));
  put_signed(out, values.front());
  std::array<std::uint64_t, kRun> run;
  each_run(1, values.size(), [&](Run r) {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < r.count; ++i) {
      run[i] = zigzag(wrapping_sub(values[r.begin + i], values[r.begin + i - 1]));
      all |= run[i];
    }
    out.push_back(static_cast<char>(width_of(all)));
    if (all != 0) put_bits(out, run, r.count, width_of(all));
  });
}

void put_distances(std::string& out, std::span<const std::int64_t> values) {
  out.push_back(static_cast<char>(kDistances));
  std::array<std::uint64_t, kRun> run;
  each_run(0, values.size(), [&](Run r) {
    const auto part = values.subspan(r.begin, r.count);
    const std::int64_t least = *std::min_element(part.begin(), part.end());
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < r.count; ++i) {
      run[i] = static_cast<std::uint64_t>(part[i]) - static_cast<std::uint64_t>(least);
      all |= run[i];
    }
    put_signed(out, least);
    out.push_back(static_cast<char>(width_of(all)));
    if (all != 0) put_bits(out, run, r.count, width_of(all));
  });
}

bool distances_are_shorter(std::span<const std::int64_t> values) {
  std::size_t differences = 1;
  std::size_t distances = 0;
  each_run(0, values.size(), [&](Run r) {
    const auto part = values.subspan(r.begin, r.count);
    const auto [least, most] = std::minmax_element(part.begin(), part.end());
    distances +=
        2 +
        bytes_for(r.count, width_of(static_cast<std::uint64_t>(*most) - static_cast<std::uint64_t>(*least)));
    std::uint64_t all = 0;
    for (std::size_t i = 1; i < part.size(); ++i) all |= zigzag(wrapping_sub(part[i], part[i - 1]));
    differences += bytes_for(r.count, width_of(all));
  });
  return distances < differences;
}

}  // namespace

void pack_integers(std::string& out, std::span<const std::int64_t> values) {
  if (values.empty()) return;
  if (distances_are_shorter(values)) {
    put_distances(out, values);
  } else {
    put_differences(out, values);
  }
}

PackedRuns::PackedRuns(ByteReader& reader, std::size_t count) : reader_(reader), left_(count) {
  if (count == 0) return;
  const std::uint8_t form = reader.byte();
  distances_ = form == kDistances;
  if (!reader.ok() || form > kDistances) ok_ = false;
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
  const unsigned width = reader_.byte();
  if (!reader_.ok() || width > 64) return give_up();
  if (!wanted && distances_) {
    reader_.take((size_ * width + 7) / 8);
    return reader_.ok() || give_up();
  }
  if (width == 0) {
    std::fill_n(run_.begin(), size_, least);
    return true;
  }
  std::array<std::uint64_t, kRun> bits;
  if (!get_bits(reader_, bits, size_, width)) return give_up();
  if (distances_) {
    for (std::size_t i = 0; i < size_; ++i) run_[i] = wrapping_add(least, static_cast<std::int64_t>(bits[i]));
  } else {
    for (std::size_t i = 0; i < size_; ++i) run_[i] = last_ = wrapping_add(last_, unzigzag(bits[i]));
  }
  return true;
}

}  // namespace gpuscale::tsdb
