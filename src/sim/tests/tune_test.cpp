// SPDX-License-Identifier: Apache-2.0
#include "sim/tune.h"

#include <gmock/gmock.h>

#include <cmath>

namespace gpuscale::sim {
namespace {

using ::testing::HasSubstr;

std::vector<double> waves(std::size_t ticks) {
  std::vector<double> out;
  for (std::size_t i = 0; i < ticks; ++i) out.push_back(8 + 4 * std::sin(static_cast<double>(i) / 200));
  return out;
}

PoolParameters parameters() {
  return {.tick_seconds = 5, .boot_seconds = 60};
}

TEST(Tune, ProposesTheCheapestSettingThatKeepsToTheGoalAndSaysHowSureItIs) {
  const auto tuning = tune(waves(4 * 2'000), parameters(), "target_tracking", {});
  ASSERT_TRUE(tuning);
  EXPECT_TRUE(tuning->reaches_goal);
  EXPECT_LE(tuning->bad, 0.001);
  EXPECT_GT(tuning->proposal.knob, 0.3);
  EXPECT_EQ(tuning->left_out.size(), 4U);
  EXPECT_GE(tuning->sureness(0.001), 0.75);
}

TEST(Tune, JudgesAPolicyByWhatItHasLearnedAndNotByEachPartsBeginning) {
  // Steps that lookout has met often by the second part: begun anew with each part it would miss the first.
  std::vector<double> demand;
  for (int i = 0; i < 40; ++i) {
    demand.insert(demand.end(), 150, 4.0);
    demand.insert(demand.end(), 50, 10.0);
  }
  const auto tuning = tune(demand, parameters(), "lookout", {.most_bad = 0.01});
  ASSERT_TRUE(tuning);
  for (std::size_t part = 1; part < tuning->left_out.size(); ++part)
    EXPECT_LT(tuning->left_out[part].bad, tuning->left_out[0].bad) << "part " << part + 1;
  EXPECT_GE(tuning->sureness(0.01), 0.75);
}

TEST(Tune, SaysWhereNoSettingReachesTheGoal) {
  std::vector<double> demand(8'000, 1.0);
  for (std::size_t i = 500; i < demand.size(); i += 1'000) std::fill_n(&demand[i], 10, 60.0);
  const auto tuning = tune(demand, parameters(), "target_tracking", {});
  ASSERT_TRUE(tuning);
  EXPECT_FALSE(tuning->reaches_goal);
  EXPECT_LT(tuning->sureness(0.001), 1);
}

TEST(Tune, RefusesWhatItCannotTune) {
  EXPECT_THAT(tune(waves(8'000), parameters(), "static", {}).error().message(), HasSubstr("no setting"));
  EXPECT_THAT(tune(waves(8'000), parameters(), "nonsense", {}).error().message(), HasSubstr("no policy"));
  EXPECT_THAT(tune(waves(500), parameters(), "lookout", {}).error().message(), HasSubstr("too short"));
}

}  // namespace
}  // namespace gpuscale::sim
