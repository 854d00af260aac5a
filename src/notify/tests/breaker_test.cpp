// SPDX-License-Identifier: Apache-2.0
#include "notify/breaker.h"

#include <gtest/gtest.h>

namespace gpuscale::notify {
namespace {

using namespace std::chrono_literals;

WallTime second(std::int64_t s) {
  return base::from_unix_nanos(s * 1'000'000'000);
}

TEST(Breaker, RestsAfterFailuresInARowAndLongerWithEach) {
  Breaker breaker;
  for (int i = 1; i < kTripAfter; ++i) breaker = after_attempt(breaker, true, second(i));
  EXPECT_TRUE(may_send(breaker, second(10)));
  breaker = after_attempt(breaker, true, second(10));
  EXPECT_FALSE(may_send(breaker, second(10)));
  EXPECT_TRUE(may_send(breaker, second(11))) << "one is tried";
  breaker = after_attempt(breaker, true, second(11));
  EXPECT_FALSE(may_send(breaker, second(12)));
  EXPECT_TRUE(may_send(breaker, second(13)));
  for (int i = 0; i < 100; ++i) breaker = after_attempt(breaker, true, second(20));
  EXPECT_EQ(*breaker.open_until, second(20) + kLongestRest);
}

TEST(Breaker, OneSuccessForgivesAll) {
  Breaker breaker;
  for (int i = 0; i < 10; ++i) breaker = after_attempt(breaker, true, second(1));
  breaker = after_attempt(breaker, false, second(100));
  EXPECT_EQ(breaker.failures, 0);
  EXPECT_TRUE(may_send(breaker, second(100)));
}

TEST(Breaker, AClockSetBackDoesNotSilenceAChannel) {
  Breaker breaker;
  for (int i = 0; i < 10; ++i) breaker = after_attempt(breaker, true, second(1'000'000));
  EXPECT_TRUE(may_send(breaker, second(10)));
}

TEST(Breaker, ARefusalSaysNothingAgainstTheReceiver) {
  EXPECT_TRUE(is_receiver_failing(fail(Errc::kTimeout, "")));
  EXPECT_TRUE(is_receiver_failing(Receipt{503, "", std::nullopt}));
  EXPECT_FALSE(is_receiver_failing(Receipt{429, "", std::nullopt}));
  EXPECT_FALSE(is_receiver_failing(Receipt{404, "", std::nullopt}));
  EXPECT_FALSE(is_receiver_failing(fail(Errc::kInvalidArgument, "")));
}

}  // namespace
}  // namespace gpuscale::notify
