// SPDX-License-Identifier: Apache-2.0
#include "notify/delivery_plan.h"

#include <gtest/gtest.h>

namespace gpuscale::notify {
namespace {

using namespace std::chrono_literals;

TEST(Judge, WhatAnAnswerMeans) {
  const std::vector<std::pair<int, Fate>> cases = {
      {200, Fate::kDelivered}, {204, Fate::kDelivered}, {299, Fate::kDelivered}, {301, Fate::kDead},
      {400, Fate::kDead},      {401, Fate::kDead},      {404, Fate::kDead},      {408, Fate::kRetry},
      {409, Fate::kDead},      {425, Fate::kRetry},     {429, Fate::kRetry},     {500, Fate::kRetry},
      {502, Fate::kRetry},     {503, Fate::kRetry},     {100, Fate::kDead},
  };
  for (const auto& [status, fate] : cases) {
    EXPECT_EQ(judge(Receipt{status, "", std::nullopt}, 0, 0.5).fate, fate) << status;
  }
}

TEST(Judge, SilenceIsTriedAgainButAUrlThatCannotWorkIsNot) {
  for (const Errc code : {Errc::kUnavailable, Errc::kTimeout, Errc::kInternal, Errc::kExhausted}) {
    EXPECT_EQ(judge(fail(code, "x"), 0, 0.5).fate, Fate::kRetry) << base::to_string(code);
  }
  EXPECT_EQ(judge(fail(Errc::kInvalidArgument, "no such scheme"), 0, 0.5).fate, Fate::kDead);
}

TEST(Judge, WaitsDoubleUpToACapAndSpread) {
  const auto wait = [](int failures, double dice) {
    return judge(Receipt{503, "", std::nullopt}, failures, dice).wait;
  };
  EXPECT_EQ(wait(0, 0.5), 200ms);
  EXPECT_EQ(wait(1, 0.5), 400ms);
  EXPECT_EQ(wait(4, 0.5), 3200ms);
  EXPECT_EQ(wait(8, 0.5), 30s);
  EXPECT_EQ(wait(1'000'000, 0.5), 30s);
  EXPECT_EQ(wait(0, 0), 160ms);
  EXPECT_EQ(wait(0, 1), 240ms);
}

TEST(Judge, HonoursRetryAfterWithinReason) {
  const auto wait = [](Nanos asked) { return judge(Receipt{429, "", asked}, 0, 0.5).wait; };
  EXPECT_EQ(wait(7s), 7s);
  EXPECT_EQ(wait(0s), 200ms);
  EXPECT_EQ(wait(48h), kLongestRetryAfter);
}

TEST(Judge, SaysWhatTheReceiverSaid) {
  EXPECT_EQ(judge(Receipt{401, "wrong secret", std::nullopt}, 0, 0.5).reason,
            "the receiver answered 401: wrong secret");
}

TEST(Judge, SaysTheReasonAloneOfAnAnswerInJson) {
  const auto said = [](const std::string& answer) { return judge(Receipt{429, answer, {}}, 0, 0.5).reason; };
  EXPECT_EQ(said(R"({"pool":"gpu","reason":"pool gpu cools down for another 4s","step":1})"),
            "the receiver answered 429: pool gpu cools down for another 4s");
  EXPECT_EQ(said(R"({"error":"no such room"})"), "the receiver answered 429: no such room");
  EXPECT_EQ(said(R"({"error":{"code":7}})"), R"(the receiver answered 429: {"error":{"code":7}})");
  EXPECT_EQ(said(R"(["slow down"])"), R"(the receiver answered 429: ["slow down"])");
  EXPECT_EQ(said(R"({"reason":"cut sho)"), R"(the receiver answered 429: {"reason":"cut sho)");
}

}  // namespace
}  // namespace gpuscale::notify
