// SPDX-License-Identifier: Apache-2.0
/// The promises of the controller under faults. A few hundred seeds here, fewer where a sanitizer makes each
/// ten times as slow; `scripts/bench faults` runs as many as wanted. A failing seed is run again with
/// GPUSCALE_FAULT_SEED=<n>.
#include <gmock/gmock.h>

#include <cstdlib>
#include <string>

#include "scaling/testing/fault_world.h"

namespace gpuscale::scaling {
namespace {

using ::testing::IsEmpty;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kSeeds = 40;
#else
constexpr int kSeeds = 200;
#endif

std::uint64_t number_from(const char* variable, std::uint64_t fallback) {
  const char* text = std::getenv(variable);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

TEST(FaultSuite, NoBusyNodeEndsNothingIsLaunchedTwiceNothingIsForgottenAndTheBoundsHold) {
  const std::uint64_t first = number_from("GPUSCALE_FAULT_SEED", 1);
  const std::uint64_t last = number_from("GPUSCALE_FAULT_SEED", kSeeds);
  int crashes = 0;
  int removals = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const auto report = testing::FaultWorld(seed, {.steps = 150}).run();
    ASSERT_THAT(report.broken, IsEmpty()) << "GPUSCALE_FAULT_SEED=" << seed;
    crashes += report.crashes;
    removals += report.removals;
  }
  if (first == last) return;
  EXPECT_GT(crashes, kSeeds) << "the suite must really kill the controller";
  EXPECT_GT(removals, kSeeds / 2) << "and really let it remove nodes";
}

TEST(FaultSuite, UnderFlatLoadThePoolReversesAtMostOnceAnHour) {
  for (std::uint64_t seed = 1; seed <= kSeeds / 20; ++seed) {
    const auto report = testing::FaultWorld(seed, {.steps = 1600, .faults = false, .flat_load = true}).run();
    ASSERT_THAT(report.broken, IsEmpty()) << seed;
    EXPECT_LE(report.reversals, 1) << seed;
  }
}

}  // namespace
}  // namespace gpuscale::scaling
