// SPDX-License-Identifier: Apache-2.0
#include "alert/alignment.h"

#include <gtest/gtest.h>

namespace gpuscale::alert {
namespace {

using namespace std::chrono_literals;

const WallTime kNow = base::from_unix_nanos(1'000'000'040'000'000'000);  // ten seconds into a half minute

TEST(Align, BucketsEndWithTheWindow) {
  const auto aligned =
      align("SELECT mean(u) FROM gpu WHERE $timeFilter GROUP BY time(30s) fill(null)", 1min, kNow);
  EXPECT_EQ(aligned.text,
            "SELECT mean(u) FROM gpu WHERE $timeFilter GROUP BY time(30s, 20000000000ns) fill(null)");
  EXPECT_EQ(aligned.from, kNow - 1min);
  EXPECT_EQ(aligned.to, kNow);
}

TEST(Align, APartialFirstBucketIsLeftOut) {
  const auto aligned =
      align("SELECT mean(u) FROM gpu WHERE $timeFilter group by node, TIME( 30s )", 45s, kNow);
  EXPECT_EQ(aligned.text,
            "SELECT mean(u) FROM gpu WHERE $timeFilter group by node, TIME(30s, 20000000000ns)");
  EXPECT_EQ(aligned.from, kNow - 30s);
}

TEST(Align, AWindowShorterThanABucketStaysWhole) {
  EXPECT_EQ(align("SELECT mean(u) FROM g WHERE $timeFilter GROUP BY time(1m)", 20s, kNow).from, kNow - 20s);
}

TEST(Align, FillsTheIntervalInAsTheSourceWould) {
  EXPECT_EQ(align("SELECT mean(u) FROM g WHERE $timeFilter GROUP BY time($__interval)", 1min, kNow).text,
            "SELECT mean(u) FROM g WHERE $timeFilter GROUP BY time(1s, 0ns)");
}

TEST(Align, LeavesWhatItDoesNotKnow) {
  for (const char* text :
       {"SELECT u FROM gpu WHERE $timeFilter", "SELECT mean(u) FROM gpu WHERE $timeFilter GROUP BY node",
        "SELECT mean(u) FROM gpu WHERE $timeFilter GROUP BY time(30s, 5s)",
        "SELECT mean(u) FROM gpu WHERE $timeFilter GROUP BY time(x)",
        "SELECT mean(u) FROM gpu WHERE $timeFilter GROUP BY time(30s", "avg_over_time(gpu[1m])"}) {
    EXPECT_EQ(align(text, 1min, kNow).text, text);
    EXPECT_EQ(align(text, 1min, kNow).from, kNow - 1min);
  }
}

}  // namespace
}  // namespace gpuscale::alert
