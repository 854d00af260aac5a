// SPDX-License-Identifier: Apache-2.0
#include "agent/idle_pages.h"

#include <gtest/gtest.h>

namespace gpuscale::agent {
namespace {

TEST(IdlePages, AreOnlyThoseOfFilesThatNobodyWritesTo) {
  struct Case {
    const char* head;
    bool is_head, is_file, is_writable;
  };
  const Case cases[] = {
      {"7f10a000-7f10b000 r-xp 00000000 fd:00 123 /usr/lib/libx.so", true, true, false},
      {"7f10a000-7f10b000 rw-p 00000000 fd:00 123 /usr/lib/libx.so", true, true, true},
      {"7f10a000-7f10b000 r--p 00000000 00:00 0 ", true, false, false},
      {"7ffd0000-7ffd1000 r-xp 00000000 00:00 0 [vdso]", true, false, false},
      {"Private_Dirty:         4 kB", false, false, false},
      {"", false, false, false},
      {"7f10a000-", false, false, false},
  };
  for (const Case& each : cases) {
    Mapping mapping;
    ASSERT_EQ(parse_mapping_head(each.head, mapping), each.is_head) << each.head;
    if (!each.is_head) continue;
    EXPECT_EQ(mapping.is_file, each.is_file) << each.head;
    EXPECT_EQ(mapping.is_writable, each.is_writable) << each.head;
    EXPECT_GT(mapping.end, mapping.begin) << each.head;
  }
}

TEST(IdlePages, AreNotThoseThatHoldRelocatedTables) {
  Mapping mapping;
  for (const char* line : {"Rss:      4 kB", "Private_Dirty:         0 kB", "Anonymous:             0 kB"}) {
    read_mapping_detail(line, mapping);
  }
  EXPECT_FALSE(mapping.is_dirty);
  read_mapping_detail("Private_Dirty:         4 kB", mapping);
  EXPECT_TRUE(mapping.is_dirty);
}

TEST(IdlePages, GivenBackAreThereWhenTheyAreNeeded) {
  for (int i = 0; i < 3; ++i) release_idle_pages();
  EXPECT_EQ(std::to_string(42), "42");
}

}  // namespace
}  // namespace gpuscale::agent
