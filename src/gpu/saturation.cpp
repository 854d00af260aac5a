// SPDX-License-Identifier: Apache-2.0
#include "gpu/saturation.h"

#include <algorithm>
#include <cmath>

namespace gpuscale::gpu {
namespace {

/// Tensor pipes that are active in 60 % of all cycles are as busy as real matrix products make them.
constexpr double kTensorFull = 0.6;
/// Share of the power limit that an idle board draws, and that from which it works flat out.
constexpr double kIdlePower = 0.15;
constexpr double kFullPower = 0.85;
/// NVML's clock event bits under which more work brings no more done: power cap, hardware slowdown, software
/// and hardware thermal slowdown, power brake.
constexpr std::int64_t kHeldDown = 0x4 | 0x8 | 0x20 | 0x40 | 0x80;
constexpr double kWorking = 50;  ///< percent of utilisation

constexpr double kFullUtilization = 95;
constexpr double kLittleActivity = 30;
constexpr double kLittlePower = 0.4;
constexpr Nanos kStandsStill = std::chrono::minutes{5};
constexpr double kLoadMoved = 50;
constexpr double kMemoryMoved = 0.01;  ///< of the device's memory

std::string whole(double value) {
  return std::to_string(std::lround(value));
}

std::optional<double> power_ratio(const Reading& reading) {
  if (!reading.power_watts || reading.power_limit_watts.value_or(0) <= 0) return std::nullopt;
  return *reading.power_watts / *reading.power_limit_watts;
}

std::optional<Saturation> from_activity(const Reading& reading) {
  if (!reading.sm_active && !reading.dram_active) return std::nullopt;
  const double tensor = reading.tensor_active.value_or(0) / kTensorFull;
  const double most = std::max({reading.sm_active.value_or(0), reading.dram_active.value_or(0), tensor});
  // One of the two alone may miss what the other is short of.
  const bool both = reading.sm_active && reading.dram_active;
  return Saturation{std::min(most, 100.0), both ? 0.9 : 0.7};
}

}  // namespace

std::optional<Saturation> saturation_of(const Reading& reading) {
  if (reading.state != DeviceState::kOk) return std::nullopt;
  if (const auto activity = from_activity(reading)) return activity;
  if (!reading.utilization_gpu) return std::nullopt;
  const double utilization = *reading.utilization_gpu;
  const auto power = power_ratio(reading);
  if (!power) return Saturation{utilization, 0.3};
  const bool held_down = (reading.throttle_reasons.value_or(0) & kHeldDown) != 0;
  if (held_down && utilization >= kWorking) return Saturation{std::max(utilization, 90.0), 0.6};
  const double effort = std::clamp((*power - kIdlePower) / (kFullPower - kIdlePower), 0.0, 1.0) * 100;
  return Saturation{std::min(utilization, effort), 0.6};
}

MemoryMemory remember(const MemoryMemory& memory, const Reading& reading) {
  if (!reading.memory_used_bytes || !reading.memory_total_bytes || !reading.utilization_gpu) return memory;
  const std::int64_t used = *reading.memory_used_bytes;
  const double load = *reading.utilization_gpu;
  MemoryMemory next = memory;
  next.least = std::min(memory.least, used);
  next.most = std::max(memory.most, used);
  next.least_load = std::min(memory.least_load, load);
  next.most_load = std::max(memory.most_load, load);
  const auto room = static_cast<double>(*reading.memory_total_bytes) * kMemoryMoved;
  const bool moved = static_cast<double>(next.most - next.least) > room;
  if (!memory.started || moved || reading.at < memory.since) {
    return {reading.at, used, used, load, load, true};
  }
  return next;
}

std::string doubt_about(const Reading& reading, const MemoryMemory& memory) {
  if (reading.state != DeviceState::kOk) return "";
  const double utilization = reading.utilization_gpu.value_or(0);
  if (utilization >= kFullUtilization) {
    const std::string says = "utilization_gpu says " + whole(utilization) + " %, but ";
    if (reading.sm_active) {
      const double most = std::max(*reading.sm_active, reading.dram_active.value_or(0));
      if (most <= kLittleActivity) {
        return says + "its SMs were active in only " + whole(*reading.sm_active) +
               " % of the time: a few small kernels keep it \"busy\" and it can take more work";
      }
    } else if (const auto power = power_ratio(reading); power && *power <= kLittlePower) {
      return says + "it draws only " + whole(*power * 100) +
             " % of its power limit: it is probably waiting or running small kernels and can take more work";
    }
  }
  const bool taken_in_advance = memory.started && reading.at - memory.since >= kStandsStill &&
                                memory.most_load - memory.least_load >= kLoadMoved && memory.least > 0;
  if (taken_in_advance) {
    return "memory_used_bytes has not moved while the load went from " + whole(memory.least_load) + " to " +
           whole(memory.most_load) + " %: the memory was taken in advance and says nothing of the load";
  }
  return "";
}

}  // namespace gpuscale::gpu
