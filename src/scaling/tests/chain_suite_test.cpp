// SPDX-License-Identifier: Apache-2.0
/// The promises of alerts, messages and triggers under kills of the server: 2,000 here (200 where a sanitizer
/// makes each ten times as slow), as many as GPUSCALE_CHAIN_CRASHES=<n> asks for. A failing seed is run again
/// with GPUSCALE_CHAIN_SEED=<n>.
#include <gmock/gmock.h>

#include <cstdlib>
#include <string>

#include "scaling/testing/chain_world.h"

namespace gpuscale::scaling {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kWantedCrashes = 200;
#else
constexpr int kWantedCrashes = 2'000;
#endif

int wanted_crashes() {
  const char* text = std::getenv("GPUSCALE_CHAIN_CRASHES");
  return text == nullptr ? kWantedCrashes : std::atoi(text);
}

TEST(ChainSuite, NoAlertOrCallIsLostNoneActsTwiceAndNoneIsResolvedThatWasNotSeenToEnd) {
  const char* const only = std::getenv("GPUSCALE_CHAIN_SEED");
  testing::ChainReport total;
  std::uint64_t seed = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  for (; total.crashes < wanted_crashes(); ++seed) {
    const testing::ChainReport report = testing::ChainWorld(seed).run();
    ASSERT_THAT(report.broken, ::testing::IsEmpty()) << "GPUSCALE_CHAIN_SEED=" << seed;
    total.crashes += report.crashes;
    total.fired += report.fired;
    total.ended += report.ended;
    total.accepted += report.accepted;
    total.errands += report.errands;
    ASSERT_GT(report.crashes, 0) << "the suite must really kill the server";
    if (only != nullptr) return;
  }
  EXPECT_GT(total.fired, wanted_crashes() / 20);
  EXPECT_GT(total.ended, wanted_crashes() / 20);
  EXPECT_GT(total.accepted, wanted_crashes() / 20);
  EXPECT_GT(total.errands, wanted_crashes() / 50);
  RecordProperty("crashes", total.crashes);
  RecordProperty("fired", total.fired);
  RecordProperty("accepted", total.accepted);
  RecordProperty("errands", total.errands);
}

}  // namespace
}  // namespace gpuscale::scaling
