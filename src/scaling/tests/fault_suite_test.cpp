// SPDX-License-Identifier: Apache-2.0
/// The promises of the controller under faults. A few hundred seeds here, fewer where a sanitizer makes each
/// ten times as slow; `scripts/bench faults` runs as many as wanted. A failing seed is run again with
/// GPUSCALE_FAULT_SEED=<n>.
#include <gmock/gmock.h>

#include <cstdlib>
#include <string>

#include "scaling/state_store.h"
#include "scaling/testing/fault_world.h"

namespace gpuscale::scaling {
namespace {

using testing::FaultWorld;
using testing::Flaw;
using ::testing::IsEmpty;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kSeeds = 50;
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
  int rescues = 0;
  std::map<std::string, int> injected;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const auto report = FaultWorld(seed, testing::options_of(seed)).run();
    ASSERT_THAT(report.broken, IsEmpty()) << "GPUSCALE_FAULT_SEED=" << seed;
    crashes += report.crashes;
    removals += report.removals;
    rescues += report.rescues;
    for (const auto& [fault, times] : report.injected) injected[fault] += times;
  }
  if (first == last) return;
  EXPECT_GT(crashes, kSeeds) << "the suite must really kill the controller";
  EXPECT_GT(removals, kSeeds / 2) << "and really let it remove nodes";
  EXPECT_GT(rescues, kSeeds / 10) << "and let the load come back";
  EXPECT_EQ(injected.size(), 17U) << "and strike with every fault there is";
  for (const auto& [fault, times] : injected) EXPECT_GT(times, kSeeds / 50) << fault;
}

TEST(FaultSuite, UnderFlatLoadThePoolReversesAtMostOnceAnHour) {
  for (std::uint64_t seed = 1; seed <= kSeeds / 20; ++seed) {
    const auto report = FaultWorld(seed, {.steps = 1800, .faults = seed % 2 == 0, .flat_load = true}).run();
    ASSERT_THAT(report.broken, IsEmpty()) << seed;
  }
}

/// What the suite must say of a controller that is broken on purpose.
struct Mutant {
  std::string name;
  Flaw flaw;
  std::string accusation;
  bool flat_load = false;
};

class FaultSuiteSees : public ::testing::TestWithParam<Mutant> {};

TEST_P(FaultSuiteSees, AControllerThatIsBrokenOnPurpose) {
  constexpr int kMostSeeds = 60;
  const Mutant& mutant = GetParam();
  std::string said;
  for (std::uint64_t seed = 1; seed <= kMostSeeds; ++seed) {
    const auto report = FaultWorld(seed, {.steps = mutant.flat_load ? 1800 : 160,
                                          .faults = !mutant.flat_load,
                                          .flat_load = mutant.flat_load,
                                          .flaw = mutant.flaw})
                            .run();
    for (const std::string& broken : report.broken) {
      if (broken.find(mutant.accusation) != std::string::npos) return;
      said += broken + "; ";
    }
  }
  FAIL() << "no \"" << mutant.accusation << "\" in " << kMostSeeds << " scenarios, but: " << said;
}

INSTANTIATE_TEST_SUITE_P(
    Flaws, FaultSuiteSees,
    ::testing::Values(Mutant{"EndsBusyNodes", Flaw::kEndsBusyNodes, "ended while busy"},
                      Mutant{"IgnoresMin", Flaw::kIgnoresMin, "desired out of bounds"},
                      Mutant{"IgnoresMax", Flaw::kIgnoresMax, "a launch went above max"},
                      Mutant{"LaunchesTwice", Flaw::kLaunchesTwice, "launched without an intent"},
                      Mutant{"RepeatsLaunch", Flaw::kRepeatsLaunch, "launched twice"},
                      Mutant{"ForgetsNodes", Flaw::kForgetsNodes, "orphan"},
                      Mutant{"ForgetsAndReplaces", Flaw::kForgetsNodes, "machines of pool"},
                      Mutant{"Reverses", Flaw::kReverses, "reversed twice within an hour", true},
                      Mutant{"BelievesOldReports", Flaw::kBelievesOldReports, "a silent node was taken"},
                      Mutant{"IgnoresHolds", Flaw::kIgnoresHolds, "under a person's hold"},
                      Mutant{"IgnoresProtection", Flaw::kIgnoresProtection, "a protected node was taken"},
                      Mutant{"Wedges", Flaw::kWedges, "wedged"}),
    [](const auto& info) { return info.param.name; });

TEST(FaultJudge, SeesANodeThatIsTakenBelowMin) {
  const auto database = *db::Database::open(":memory:");
  ASSERT_TRUE(StateStore::open(*database));
  testing::FaultReport report;
  testing::FaultJudge judge(*database, report, false);
  testing::Site site;
  site.spec.name = "gpu";
  site.spec.min = 1;
  judge.on_entry({.kind = "node.draining", .pool = "gpu", .subject = "n", .details = {{"cause", "scale_in"}}},
                 site, MonoTime{});
  ASSERT_EQ(report.broken.size(), 1U);
  EXPECT_THAT(report.broken.front(), ::testing::StartsWith("went below min"));
}

}  // namespace
}  // namespace gpuscale::scaling
