// SPDX-License-Identifier: Apache-2.0
#include "api/request_ids.h"

#include <gmock/gmock.h>

#include <chrono>

namespace gpuscale::api {
namespace {

using ::testing::MatchesRegex;
using ::testing::Ne;
using ::testing::StartsWith;

TEST(RequestIds, AreUuidsOfTheTimeThatAscend) {
  // 2023-11-14T22:13:20Z is 0x1ee833b04afc000 times 100 ns after 1582-10-15.
  RequestIds ids(WallTime(std::chrono::seconds{1'700'000'000}));
  const std::string first = ids.next();
  EXPECT_THAT(first, StartsWith("04afc000-833b-11ee-8"));
  EXPECT_THAT(first, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"));
  const std::string second = ids.next();
  EXPECT_EQ(first.substr(8), second.substr(8));
  EXPECT_EQ(std::stoull(first.substr(0, 8), nullptr, 16) + 1, std::stoull(second.substr(0, 8), nullptr, 16));
}

TEST(RequestIds, OfTwoRoutesDoNotMeet) {
  const WallTime now{std::chrono::seconds{1'700'000'000}};
  EXPECT_THAT(RequestIds(now).next(), Ne(RequestIds(now).next()));
}

}  // namespace
}  // namespace gpuscale::api
