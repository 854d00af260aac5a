// SPDX-License-Identifier: Apache-2.0
/// The binary file `gpu_metrics` of amdgpu: one table for all that its firmware measures, with counters that
/// run on between two reads, so that nothing in between is lost. Source: Linux,
/// drivers/gpu/drm/amd/include/kgd_pp_interface.h, formats 1.1 to 1.6 (discrete GPUs; 2.x and 3.x are APUs').
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace gpuscale::gpu::amdgpu {

/// What a table holds; what it lacks, or marks as unknown by all ones, is absent.
struct GpuMetrics {
  std::optional<double> utilization_gpu;  ///< percent, by the firmware's own short mean
  std::optional<double> utilization_memory;
  std::optional<double> power_watts;
  std::optional<double> temperature_hotspot_celsius;
  std::optional<double> temperature_memory_celsius;
  std::optional<double> energy_joules;  ///< a counter; formats 1.4 on, which say its unit
  std::optional<std::int64_t> pcie_replays;
  /// Percent summed over the firmware's cycles, and the cycles: format 1.6, the first that counts them.
  struct Activity {
    std::uint32_t cycles = 0;
    std::uint32_t gpu = 0;
    std::uint32_t memory = 0;
  };
  std::optional<Activity> activity;
};

/// Empty where the format is none of these or the table is shorter than it says. Pure.
std::optional<GpuMetrics> parse_gpu_metrics(std::string_view table);

/// The mean percentages between two reads, across a wrap of the counters; empty where no cycle lies between,
/// or where the values are none (the firmware was reset). Pure.
struct MeanActivity {
  double gpu = 0;
  double memory = 0;
};
std::optional<MeanActivity> mean_activity(const GpuMetrics::Activity& before,
                                          const GpuMetrics::Activity& after);

}  // namespace gpuscale::gpu::amdgpu
