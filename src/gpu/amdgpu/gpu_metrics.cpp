// SPDX-License-Identifier: Apache-2.0
#include "gpu/amdgpu/gpu_metrics.h"

#include <cstring>
#include <limits>

namespace gpuscale::gpu::amdgpu {
namespace {

constexpr double kHundred = 100;

/// Byte offsets of one format's fields; 0 = it has none.
struct Layout {
  std::size_t size;
  std::size_t hotspot;
  std::size_t memory_temperature;
  std::size_t power;
  std::size_t gpu_activity;
  std::size_t memory_activity;
  std::size_t energy = 0;
  std::size_t cycles = 0;
  std::size_t gpu_sum = 0;
  std::size_t memory_sum = 0;
  std::size_t replays = 0;
};
constexpr Layout kLayouts[] = {
    {96, 6, 8, 22, 16, 18},                           // 1.1
    {104, 6, 8, 22, 16, 18},                          // 1.2
    {120, 6, 8, 22, 16, 18},                          // 1.3
    {96, 4, 6, 10, 12, 14, 24, 0, 0, 0, 88},          // 1.4
    {160, 4, 6, 10, 12, 14, 88, 0, 0, 0, 152},        // 1.5
    {184, 4, 6, 10, 12, 14, 88, 104, 144, 148, 176},  // 1.6
};
constexpr std::uint8_t kFirstContent = 1;

/// The field, or nothing where it is all ones. Little-endian, as every machine that has such a GPU.
template <typename T>
std::optional<T> field(std::string_view table, std::size_t offset) {
  if (offset == 0 || offset + sizeof(T) > table.size()) return std::nullopt;
  T value{};
  std::memcpy(&value, table.data() + offset, sizeof value);
  return value == std::numeric_limits<T>::max() ? std::nullopt : std::optional<T>(value);
}

std::optional<double> within(std::optional<std::uint16_t> value, double most) {
  if (!value || *value > most) return std::nullopt;
  return static_cast<double>(*value);
}

}  // namespace

std::optional<GpuMetrics> parse_gpu_metrics(std::string_view table) {
  constexpr std::size_t kHeader = 4;
  constexpr double kMostCelsius = 250;
  constexpr double kMostWatts = 10'000;
  constexpr double kEnergyUnit = 1.0 / 65'536;  // joules: "15.259uJ (2^-16)"
  if (table.size() < kHeader) return std::nullopt;
  std::uint16_t size = 0;
  std::memcpy(&size, table.data(), sizeof size);
  const auto format = static_cast<std::uint8_t>(table[2]);
  const auto content = static_cast<std::uint8_t>(table[3]);
  if (format != 1 || content < kFirstContent || content >= kFirstContent + std::size(kLayouts))
    return std::nullopt;
  const Layout& layout = kLayouts[content - kFirstContent];
  if (size < layout.size || table.size() < layout.size) return std::nullopt;
  GpuMetrics out;
  out.utilization_gpu = within(field<std::uint16_t>(table, layout.gpu_activity), kHundred);
  out.utilization_memory = within(field<std::uint16_t>(table, layout.memory_activity), kHundred);
  out.power_watts = within(field<std::uint16_t>(table, layout.power), kMostWatts);
  out.temperature_hotspot_celsius = within(field<std::uint16_t>(table, layout.hotspot), kMostCelsius);
  out.temperature_memory_celsius =
      within(field<std::uint16_t>(table, layout.memory_temperature), kMostCelsius);
  if (const auto energy = field<std::uint64_t>(table, layout.energy))
    out.energy_joules = static_cast<double>(*energy) * kEnergyUnit;
  if (const auto replays = field<std::uint64_t>(table, layout.replays);
      replays && *replays <= std::uint64_t{std::numeric_limits<std::uint32_t>::max()})
    out.pcie_replays = static_cast<std::int64_t>(*replays);
  const auto cycles = field<std::uint32_t>(table, layout.cycles);
  const auto gpu = field<std::uint32_t>(table, layout.gpu_sum);
  const auto memory = field<std::uint32_t>(table, layout.memory_sum);
  if (cycles && gpu && memory) out.activity = GpuMetrics::Activity{*cycles, *gpu, *memory};
  return out;
}

std::optional<MeanActivity> mean_activity(const GpuMetrics::Activity& before,
                                          const GpuMetrics::Activity& after) {
  const std::uint32_t cycles = after.cycles - before.cycles;
  // Half the range ahead is behind: a reset, whose differences would be a plausible lie of about 1 %.
  constexpr std::uint32_t kMostCycles = std::uint32_t{1} << 31U;
  if (cycles == 0 || cycles >= kMostCycles) return std::nullopt;
  const MeanActivity mean{static_cast<double>(after.gpu - before.gpu) / cycles,
                          static_cast<double>(after.memory - before.memory) / cycles};
  if (mean.gpu > kHundred || mean.memory > kHundred) return std::nullopt;
  return mean;
}

}  // namespace gpuscale::gpu::amdgpu
