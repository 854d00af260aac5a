// SPDX-License-Identifier: Apache-2.0
#include "tsdb/packed_integers.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <random>

namespace gpuscale::tsdb {
namespace {

using Integers = std::vector<std::int64_t>;

std::string packed(const Integers& values) {
  std::string out;
  pack_integers(out, values);
  return out;
}

/// Nothing where they do not decode, or bytes are left over.
std::optional<Integers> unpacked(std::string_view bytes, std::size_t count) {
  ByteReader reader(bytes);
  PackedRuns runs(reader, count);
  Integers out;
  while (runs.next()) out.insert(out.end(), runs.values().begin(), runs.values().end());
  if (!runs.ok() || !reader.at_end() || out.size() != count) return std::nullopt;
  return out;
}

std::optional<Integers> rows_of(std::string_view bytes, std::size_t count, RowRange rows) {
  ByteReader reader(bytes);
  PackedRuns runs(reader, count);
  Integers out;
  const bool good = each_run_at(runs, rows, [&](std::span<const std::int64_t> part) {
    out.insert(out.end(), part.begin(), part.end());
  });
  return good ? std::optional(out) : std::nullopt;
}

/// Walks as gauges, counters, sizes and malice walk: seldom or always, by any multiple of a power of two.
class Walk {
 public:
  explicit Walk(std::uint32_t seed) : random_(seed), shift_(below(3) == 0 ? 0 : below(64)) {
    every_ = below(2) == 0 ? 1 : 1 + below(80);
    wide_ = below(4) == 0;
    wanders_ = below(2) == 0;
  }
  Integers take(std::size_t count) {
    Integers out;
    const std::uint64_t base = below(2) == 0 ? 0 : random_();
    std::uint64_t at = base;
    for (std::size_t i = 0; i < count; ++i) {
      if (below(every_) == 0) {
        const std::uint64_t step = wide_ ? random_() : below(500) - 250;
        at = (wanders_ ? at : base) + (step << shift_);
      }
      out.push_back(static_cast<std::int64_t>(at));
    }
    return out;
  }
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

 private:
  std::mt19937_64 random_;
  std::uint64_t shift_;
  std::uint64_t every_ = 1;
  bool wide_ = false;
  bool wanders_ = false;
};

TEST(PackedIntegers, GiveBackAnyWalkAndAnyPartOfIt) {
  for (std::uint32_t seed = 0; seed < 5'000; ++seed) {
    Walk walk(seed);
    const Integers values = walk.take(walk.below(300));
    const std::string bytes = packed(values);
    ASSERT_EQ(unpacked(bytes, values.size()), values) << seed;
    const std::size_t begin = walk.below(values.size() + 1);
    const std::size_t end = begin + walk.below(values.size() - begin + 1);
    const auto part = rows_of(bytes, values.size(), {begin, end});
    ASSERT_TRUE(part) << seed;
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(begin);
    ASSERT_EQ(*part, Integers(first, first + static_cast<std::ptrdiff_t>(end - begin))) << seed;
  }
}

TEST(PackedIntegers, GiveBackEveryWidthAndCountWhateverStandsBehind) {
  std::mt19937_64 random(3);
  for (unsigned width = 1; width <= 64; ++width) {
    for (std::size_t count = 1; count <= 66; ++count) {
      Integers values;
      for (std::size_t i = 0; i < count; ++i)
        values.push_back(static_cast<std::int64_t>(random() >> (64 - width) | 1ULL << (width - 1)));
      values[random() % count] = 0;
      const std::string bytes = packed(values);
      ASSERT_EQ(unpacked(bytes, count), values) << width << " bits, " << count;
      ASSERT_EQ(rows_of(bytes + std::string(100, '\xff'), count, {0, count}), values)
          << width << " bits, " << count;
    }
  }
}

TEST(PackedIntegers, GiveBackTheExtremes) {
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  for (const Integers& values :
       {Integers{}, Integers{0}, Integers{kLeast}, Integers{kLeast, kMost}, Integers{kMost, kLeast, 0},
        Integers{0, kLeast, 0, kLeast}, Integers(64, kMost), Integers(65, kLeast), Integers(129, 7)})
    EXPECT_EQ(unpacked(packed(values), values.size()), values);
}

TEST(PackedIntegers, SizesThatSeldomChangeTakeHardlyAnything) {
  Integers sizes;
  for (std::int64_t i = 0; i < 640; ++i) sizes.push_back((20'000 + (i / 16) * 37 % 900) << 20);
  // A bit for each, and ten for each that changes; the differences themselves have thirty.
  EXPECT_LT(packed(sizes).size(), 640 * (1 + 11.0 / 16) / 8 + 60);
  EXPECT_LT(packed(Integers(640, 85'899'345'920)).size(), 30U);
}

/// What earlier versions wrote stays readable: whole bytes, no common bits, no sparse runs.
TEST(PackedIntegers, TheFirstFormsAreRead) {
  // Differences: 5, then 6, 4, 8 as zigzags 2, 3, 8 of four bits.
  EXPECT_EQ(unpacked(std::string_view("\0\x0a\x04\x32\x08", 5), 4), (Integers{5, 6, 4, 8}));
  // Distances from -2 of two bits: 0, 3, 1.
  EXPECT_EQ(unpacked("\x01\x03\x02\x1c", 3), (Integers{-2, 1, -1}));
}

TEST(PackedIntegers, WhatNobodyWritesIsRefused) {
  EXPECT_FALSE(unpacked("", 1));
  EXPECT_FALSE(unpacked("\x04\x0a", 1)) << "a form of the future";
  EXPECT_FALSE(unpacked("\x03\x40\x03\x02\x1c", 3)) << "64 bits cannot be left out";
  EXPECT_FALSE(unpacked("\x01\x03\x41\x1c", 1)) << "nor have 65 bits";
  EXPECT_FALSE(unpacked("\x01\x03\x80\x07", 3)) << "sparse without bits";
  EXPECT_FALSE(unpacked("\x01\x03\x81\x0f\x0f", 3)) << "the mask names a fourth of three";
  EXPECT_FALSE(unpacked("\x01\x03\x82\x07", 3)) << "cut short";
  EXPECT_EQ(unpacked("\x01\x03\x82\x06\x0b", 3), (Integers{-2, 1, 0})) << "the like, whole";
}

}  // namespace
}  // namespace gpuscale::tsdb
