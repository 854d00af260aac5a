// SPDX-License-Identifier: Apache-2.0
#include "base/same_bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace gpuscale::base {
namespace {

TEST(SameBytes, EveryByteCountsAndNoneBehindThem) {
  for (std::size_t size = 0; size <= 40; ++size) {
    // Of its own piece of memory, so that a look behind it is seen by the sanitizer.
    const std::string text(size, 'x');
    const std::string same(size, 'x');
    EXPECT_TRUE(same_bytes(text.data(), same.data(), size)) << size;
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = text;
      other[at] = 'y';
      EXPECT_FALSE(same_bytes(text.data(), other.data(), size)) << size << " at " << at;
      EXPECT_TRUE(same_bytes(text.data(), other.data(), at)) << size << " at " << at;
    }
  }
}

}  // namespace
}  // namespace gpuscale::base
