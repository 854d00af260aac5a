// SPDX-License-Identifier: Apache-2.0
/// What is seen of samples as they expire, and as durations and clocks change.
#include "tests/store_fixture.h"

namespace gpuscale::tsdb {
namespace {

using ::testing::HasSubstr;

TEST_F(StoreTest, WhatIsOlderThanItsPolicyIsGoneAndRefused) {
  using namespace std::chrono_literals;
  const WallTime now = clock_.wall();
  ASSERT_TRUE(store_->alter_retention_policy("db", {.name = "autogen", .duration = 2h}, false));
  const auto at = [&](std::chrono::minutes ago) { return std::to_string(base::to_unix_nanos(now - ago)); };
  must_write("m f=1 " + at(90min) + "\nm f=2 " + at(10min) + "\n");
  ASSERT_TRUE(store_->flush());
  const auto late = write("m f=3 " + at(180min) + "\n");
  ASSERT_TRUE(late);
  EXPECT_EQ(late->first_reason, "points beyond retention policy");
  ASSERT_TRUE(store_->enforce_retention(now + 1h));
  EXPECT_EQ(samples("m", "f"), at(10min) + ":2");
  EXPECT_FALSE(store_->has_samples("db", "", id_of("m"), {0, base::to_unix_nanos(now - 80min)}));
  ASSERT_TRUE(store_->enforce_retention(now + 3h));
  EXPECT_EQ(samples("m", "f"), "");
}

TEST_F(StoreTest, WhatALongerDurationAllowsIsSeenAtOnce) {
  using namespace std::chrono_literals;
  const auto lasting = [](Nanos duration) {
    return RetentionPolicy{.name = "autogen", .duration = duration};
  };
  const WallTime now = clock_.wall();
  const auto ago = [&](std::chrono::minutes time) { return base::to_unix_nanos(now - time); };
  const auto at = [&](std::chrono::minutes time) { return std::to_string(ago(time)); };
  ASSERT_TRUE(store_->alter_retention_policy("db", lasting(2h), false));
  must_write("m f=1 " + at(110min) + "\nm f=2 " + at(10min) + "\n");
  ASSERT_TRUE(store_->flush());
  clock_.advance(1h);
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  EXPECT_EQ(samples("m", "f"), at(10min) + ":2");
  const TimeRange seen{ago(50min), ago(0min)};
  const auto version = store_->version_of("db", "", "m", seen);
  ASSERT_GT(version, 0U);
  ASSERT_TRUE(store_->alter_retention_policy("db", lasting(720h), false));
  EXPECT_EQ(store_->changed_since("db", "", "m", seen, version), seen.min_ns) << "no kept answer is trusted";
  must_write("m f=3 " + at(180min) + "\n");
  const std::string all = at(180min) + ":3 " + at(110min) + ":1 " + at(10min) + ":2";
  EXPECT_EQ(samples("m", "f"), all) << "the expired one's segment was still there";
  EXPECT_TRUE(store_->has_samples("db", "", id_of("m"), {0, ago(150min)}));
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  EXPECT_EQ(samples("m", "f"), all);
  EXPECT_GT(store_->version_of("db", "", "m", {ago(200min), ago(0min)}), 0U);

  // For ever, and then shorter again.
  ASSERT_TRUE(store_->alter_retention_policy("db", lasting(0h), false));
  must_write("m f=4 10\n");
  EXPECT_EQ(samples("m", "f"), "10:4 " + all);
  ASSERT_TRUE(store_->alter_retention_policy("db", lasting(3h), false));
  EXPECT_EQ(samples("m", "f"), at(110min) + ":1 " + at(10min) + ":2");
}

TEST_F(StoreTest, WhatExpiredWhileTheStoreWasClosedIsNotSeenWhenItOpens) {
  using namespace std::chrono_literals;
  ASSERT_TRUE(store_->alter_retention_policy("db", {.name = "autogen", .duration = 2h}, false));
  must_write("m f=1 " + std::to_string(base::to_unix_nanos(clock_.wall())) + "\n");
  clock_.advance(3h);
  const std::string late = std::to_string(base::to_unix_nanos(clock_.wall()));
  must_write("m f=2 " + late + "\n");
  for (const bool crash : {true, false}) {
    if (crash) reopen_after_crash();
    if (!crash) reopen();
    EXPECT_EQ(samples("m", "f"), late + ":2");
  }
  ASSERT_TRUE(store_->alter_retention_policy("db", {.name = "autogen", .duration = 4h}, false));
  EXPECT_THAT(samples("m", "f"), HasSubstr(":1 ")) << "nothing was deleted";
}

TEST_F(StoreTest, WhatIsWrittenAfterTheClockWasSetBackIsSeen) {
  using namespace std::chrono_literals;
  ASSERT_TRUE(store_->alter_retention_policy("db", {.name = "autogen", .duration = 2h}, false));
  clock_.jump_wall(24h);
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  clock_.jump_wall(-24h);
  const auto now = base::to_unix_nanos(clock_.wall());
  must_write("m f=1 " + std::to_string(now) + "\n");
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  EXPECT_EQ(samples("m", "f"), std::to_string(now) + ":1");
  EXPECT_LE(store_->floor_of("db", ""), now);
}

}  // namespace
}  // namespace gpuscale::tsdb
