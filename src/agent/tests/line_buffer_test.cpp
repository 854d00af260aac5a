// SPDX-License-Identifier: Apache-2.0
#include "agent/line_buffer.h"

#include <gtest/gtest.h>

namespace gpuscale::agent {
namespace {

TEST(LineBuffer, GivesLinesInTheOrderInWhichTheyCame) {
  LineBuffer buffer(10);
  buffer.push({"1\n", "2\n"});
  buffer.push({"3\n"});
  EXPECT_EQ(buffer.take(2).body, "1\n2\n");
  buffer.done(0);
  EXPECT_EQ(buffer.take(10).body, "3\n");
  buffer.put_back();
  EXPECT_EQ(buffer.take(10).body, "3\n");
  buffer.done(0);
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_EQ(buffer.delivered(), 3U);
  EXPECT_EQ(buffer.dropped(), 0U);
}

TEST(LineBuffer, DropsTheOldestAndCountsThem) {
  LineBuffer buffer(3);
  buffer.push({"1\n", "2\n", "3\n", "4\n", "5\n"});
  EXPECT_EQ(buffer.size(), 3U);
  EXPECT_EQ(buffer.dropped(), 2U);
  EXPECT_EQ(buffer.take(10).body, "3\n4\n5\n");
}

TEST(LineBuffer, DropsNothingThatIsOnItsWay) {
  LineBuffer buffer(3);
  buffer.push({"1\n", "2\n", "3\n"});
  EXPECT_EQ(buffer.take(2).lines, 2U);
  buffer.push({"4\n", "5\n"});
  EXPECT_EQ(buffer.dropped(), 2U) << "3 and 4: 1 and 2 may be stored already";
  buffer.done(0);
  EXPECT_EQ(buffer.take(10).body, "5\n");
  buffer.put_back();
  EXPECT_EQ(buffer.delivered(), 2U);
}

TEST(LineBuffer, WhatComesBackMayBeDroppedThen) {
  LineBuffer buffer(2);
  buffer.push({"1\n", "2\n"});
  EXPECT_EQ(buffer.take(2).lines, 2U);
  buffer.push({"3\n"});
  EXPECT_EQ(buffer.dropped(), 1U);
  buffer.put_back();
  buffer.push({"4\n"});
  EXPECT_EQ(buffer.take(10).body, "2\n4\n");
}

TEST(LineBuffer, WhatTheServerRefusedCountsAsDropped) {
  LineBuffer buffer(10);
  buffer.push({"1\n", "2\n", "3\n"});
  EXPECT_EQ(buffer.take(3).lines, 3U);
  buffer.done(2);
  EXPECT_EQ(buffer.dropped(), 2U);
  EXPECT_EQ(buffer.delivered(), 1U);
}

}  // namespace
}  // namespace gpuscale::agent
