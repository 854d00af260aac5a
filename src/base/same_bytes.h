// SPDX-License-Identifier: Apache-2.0
/// Comparing short texts of one length: for names of a dozen bytes the call of memcmp is most of its cost.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gpuscale::base {

/// Whether `size` bytes at `a` and at `b` are the same. Looks at no byte behind them.
inline bool same_bytes(const char* a, const char* b, std::size_t size) {
  const auto differ = [a, b]<class Word>(Word, std::size_t at) {
    Word one;
    Word other;
    std::memcpy(&one, a + at, sizeof(Word));
    std::memcpy(&other, b + at, sizeof(Word));
    return static_cast<std::uint64_t>(one ^ other);
  };
  // The last word overlaps the one before it.
  if (size >= sizeof(std::uint64_t)) {
    std::size_t at = 0;
    for (; at + sizeof(std::uint64_t) < size; at += sizeof(std::uint64_t)) {
      if (differ(std::uint64_t{}, at) != 0) return false;
    }
    return differ(std::uint64_t{}, size - sizeof(std::uint64_t)) == 0;
  }
  if (size >= sizeof(std::uint32_t)) {
    return (differ(std::uint32_t{}, 0) | differ(std::uint32_t{}, size - sizeof(std::uint32_t))) == 0;
  }
  for (std::size_t at = 0; at < size; ++at) {
    if (a[at] != b[at]) return false;
  }
  return true;
}

}  // namespace gpuscale::base
