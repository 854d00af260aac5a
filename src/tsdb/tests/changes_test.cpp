// SPDX-License-Identifier: Apache-2.0
#include "tsdb/changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace gpuscale::tsdb {
namespace {

TEST(Changes, AreKnownAtBothEndsOfTime) {
  const SegmentOwner owner{1, 2};
  const TimeRange all;
  for (const std::int64_t time : {std::numeric_limits<std::int64_t>::min(), all.min_ns, all.max_ns}) {
    Changes changes;
    const std::uint64_t before = changes.version();
    changes.next_version();
    changes.note(owner, time);
    const auto first = changes.first_since(owner, all, before);
    ASSERT_TRUE(first);
    EXPECT_GE(*first, all.min_ns);
    EXPECT_LE(*first, std::max(time, all.min_ns));
    EXPECT_EQ(changes.first_since(owner, all, changes.version()), std::nullopt);
  }
}

}  // namespace
}  // namespace gpuscale::tsdb
