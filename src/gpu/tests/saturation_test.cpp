// SPDX-License-Identifier: Apache-2.0
#include "gpu/saturation.h"

#include <gmock/gmock.h>

namespace gpuscale::gpu {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr WallTime kStart = base::from_unix_nanos(1'700'000'000'000'000'000);

struct Measured {
  std::optional<double> utilization, sm, dram, tensor, power, limit;
  std::optional<std::int64_t> reasons;
};

Reading of(const Measured& measured) {
  Reading out;
  out.at = kStart;
  out.utilization_gpu = measured.utilization;
  out.sm_active = measured.sm;
  out.dram_active = measured.dram;
  out.tensor_active = measured.tensor;
  out.power_watts = measured.power;
  out.power_limit_watts = measured.limit;
  out.throttle_reasons = measured.reasons;
  return out;
}

TEST(Saturation, FollowsTheTable) {
  struct Case {
    const char* what;
    Measured measured;
    double percent;
    double confidence;
  };
  const std::vector<Case> cases = {
      {"decode: the memory is the limit", {.utilization = 100, .sm = 35, .dram = 82, .tensor = 5}, 82, 0.9},
      {"prefill: the tensor pipes are", {.utilization = 100, .sm = 70, .dram = 20, .tensor = 54}, 90, 0.9},
      {"one small kernel", {.utilization = 100, .sm = 12, .dram = 4, .tensor = 0}, 12, 0.9},
      {"SM activity alone", {.utilization = 100, .sm = 40}, 40, 0.7},
      {"no GPM, half the power", {.utilization = 100, .power = 200, .limit = 400}, 50, 0.6},
      {"no GPM, idle though it says busy", {.utilization = 100, .power = 60, .limit = 400}, 0, 0.6},
      {"no GPM, flat out", {.utilization = 98, .power = 395, .limit = 400}, 98, 0.6},
      {"held down by its power limit",
       {.utilization = 80, .power = 240, .limit = 400, .reasons = 4},
       90,
       0.6},
      {"held down, but idle", {.utilization = 2, .power = 60, .limit = 400, .reasons = 4}, 0, 0.6},
      {"idle bit alone holds nothing down",
       {.utilization = 60, .power = 400, .limit = 400, .reasons = 1},
       60,
       0.6},
      {"utilisation alone", {.utilization = 73}, 73, 0.3},
      {"a limit of 0 is none", {.utilization = 73, .power = 50, .limit = 0}, 73, 0.3},
  };
  for (const Case& each : cases) {
    const auto saturation = saturation_of(of(each.measured));
    ASSERT_TRUE(saturation) << each.what;
    EXPECT_NEAR(saturation->percent, each.percent, 0.01) << each.what;
    EXPECT_DOUBLE_EQ(saturation->confidence, each.confidence) << each.what;
  }
}

TEST(Saturation, IsAbsentWhereNothingIsMeasured) {
  EXPECT_FALSE(saturation_of(of({.power = 100, .limit = 400})));
  Reading lost = of({.utilization = 50});
  lost.state = DeviceState::kLost;
  EXPECT_FALSE(saturation_of(lost));
}

TEST(Doubt, NamesTheUtilizationThatHidesIdleMultiprocessors) {
  EXPECT_THAT(doubt_about(of({.utilization = 100, .sm = 12, .dram = 4}), {}),
              HasSubstr("100 %, but its SMs were active in only 12 %"));
  EXPECT_EQ(doubt_about(of({.utilization = 100, .sm = 12, .dram = 80}), {}), "") << "bound by memory: honest";
  EXPECT_EQ(doubt_about(of({.utilization = 90, .sm = 12}), {}), "");
  EXPECT_THAT(doubt_about(of({.utilization = 99, .power = 100, .limit = 400}), {}),
              HasSubstr("only 25 % of its power limit"));
  EXPECT_EQ(doubt_about(of({.utilization = 99, .power = 300, .limit = 400}), {}), "");
}

TEST(Doubt, NamesMemoryThatWasTakenInAdvance) {
  Reading reading = of({.utilization = 5});
  reading.memory_total_bytes = 80'000;
  reading.memory_used_bytes = 72'000;
  MemoryMemory memory;
  for (int second = 0; second <= 301; ++second) {
    EXPECT_EQ(doubt_about(reading, memory), "") << second;
    reading.at = kStart + std::chrono::seconds{second};
    reading.utilization_gpu = second == 100 ? 70 : 5;
    reading.memory_used_bytes = 72'000 + second % 2;
    memory = remember(memory, reading);
    if (second == 300) break;
  }
  EXPECT_THAT(doubt_about(reading, memory), HasSubstr("taken in advance"));
  reading.memory_used_bytes = 60'000;
  EXPECT_EQ(doubt_about(reading, remember(memory, reading)), "") << "it moves after all";
}

}  // namespace
}  // namespace gpuscale::gpu
