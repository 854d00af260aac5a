// SPDX-License-Identifier: Apache-2.0
#include "gpu/amdgpu/gpu_metrics.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace gpuscale::gpu::amdgpu {
namespace {

std::string table_of(std::uint16_t size, char content) {
  std::string table(size, '\xff');
  std::memcpy(table.data(), &size, sizeof size);
  table[2] = 1;
  table[3] = content;
  return table;
}

template <typename T>
void put(std::string& table, std::size_t at, T value) {
  std::memcpy(table.data() + at, &value, sizeof value);
}

TEST(GpuMetrics, WhatIsAllOnesIsAbsent) {
  const std::pair<std::uint16_t, char> formats[] = {{96, 1},  {104, 2}, {120, 3},
                                                    {264, 4}, {336, 5}, {360, 6}};
  for (const auto& [size, content] : formats) {
    const auto metrics = parse_gpu_metrics(table_of(size, content));
    ASSERT_TRUE(metrics) << int{content};
    EXPECT_FALSE(metrics->utilization_gpu || metrics->power_watts || metrics->energy_joules ||
                 metrics->temperature_hotspot_celsius || metrics->activity || metrics->pcie_replays)
        << int{content};
  }
}

TEST(GpuMetrics, FieldsAreWhereTheFormatHasThem) {
  std::string old = table_of(120, 3);
  put<std::uint16_t>(old, 16, 97);   // average_gfx_activity
  put<std::uint16_t>(old, 18, 31);   // average_umc_activity
  put<std::uint16_t>(old, 22, 480);  // average_socket_power
  put<std::uint64_t>(old, 24, 1);    // energy_accumulator, of no said unit
  EXPECT_EQ(parse_gpu_metrics(old)->utilization_gpu, 97);
  EXPECT_EQ(parse_gpu_metrics(old)->utilization_memory, 31);
  EXPECT_EQ(parse_gpu_metrics(old)->power_watts, 480);
  EXPECT_EQ(parse_gpu_metrics(old)->energy_joules, std::nullopt);

  std::string newer = table_of(264, 4);
  put<std::uint16_t>(newer, 4, 55);       // temperature_hotspot
  put<std::uint16_t>(newer, 10, 700);     // curr_socket_power
  put<std::uint16_t>(newer, 12, 12);      // average_gfx_activity
  put<std::uint64_t>(newer, 24, 65'536);  // energy_accumulator
  put<std::uint64_t>(newer, 88, 5);       // pcie_replay_count_acc
  EXPECT_EQ(parse_gpu_metrics(newer)->temperature_hotspot_celsius, 55);
  EXPECT_EQ(parse_gpu_metrics(newer)->power_watts, 700);
  EXPECT_EQ(parse_gpu_metrics(newer)->utilization_gpu, 12);
  EXPECT_EQ(parse_gpu_metrics(newer)->energy_joules, 1);
  EXPECT_EQ(parse_gpu_metrics(newer)->pcie_replays, 5);
}

TEST(GpuMetrics, WhatIsNoTableOfADiscreteGpuIsRefused) {
  EXPECT_FALSE(parse_gpu_metrics(""));
  EXPECT_FALSE(parse_gpu_metrics("\x60"));
  EXPECT_FALSE(parse_gpu_metrics(table_of(120, 0))) << "1.0 is not aligned and not of these GPUs";
  EXPECT_FALSE(parse_gpu_metrics(table_of(360, 7))) << "a format of the future";
  EXPECT_FALSE(parse_gpu_metrics(table_of(360, 6).substr(0, 100))) << "cut short";
  EXPECT_FALSE(parse_gpu_metrics(table_of(100, 6))) << "shorter than its format";
  std::string apu = table_of(120, 3);
  apu[2] = 2;
  EXPECT_FALSE(parse_gpu_metrics(apu));
}

TEST(GpuMetrics, MeansGoOnAcrossAWrapAndEndAtAReset) {
  const auto mean = mean_activity({0xffff'fff0U, 0xffff'ff00U, 10}, {0x10, 0x100 + 800, 330});
  ASSERT_TRUE(mean);
  EXPECT_NEAR(mean->gpu, (512 + 800) / 32.0, 1e-9);
  EXPECT_NEAR(mean->memory, 10, 1e-9);
  EXPECT_FALSE(mean_activity({5, 100, 100}, {5, 100, 100})) << "no cycle in between";
  EXPECT_FALSE(mean_activity({500, 9'000, 100}, {3, 30, 3})) << "the counters began anew";
}

}  // namespace
}  // namespace gpuscale::gpu::amdgpu
