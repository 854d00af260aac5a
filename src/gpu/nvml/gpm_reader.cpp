// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/gpm_reader.h"

#include <cmath>
#include <utility>

#include "gpu/nvml/values.h"

namespace gpuscale::gpu::nvml {
namespace {

constexpr Nanos kLeastDistance = std::chrono::milliseconds{100};
constexpr double kMebibyte = 1 << 20;

struct Metric {
  std::uint32_t id;  ///< nvmlGpmMetricId_t
  std::optional<double> Reading::* value;
  bool is_percent;  ///< else MiB/s
};
constexpr Metric kMetrics[] = {
    {1, &Reading::graphics_active, true},
    {2, &Reading::sm_active, true},
    {3, &Reading::sm_occupancy, true},
    {5, &Reading::tensor_active, true},
    {10, &Reading::dram_active, true},
    {11, &Reading::fp64_active, true},
    {12, &Reading::fp32_active, true},
    {13, &Reading::fp16_active, true},
    {20, &Reading::pcie_tx_bytes_per_second, false},
    {21, &Reading::pcie_rx_bytes_per_second, false},
    {60, &Reading::nvlink_rx_bytes_per_second, false},
    {61, &Reading::nvlink_tx_bytes_per_second, false},
};

std::optional<double> bytes_per_second(double mebibytes) {
  if (!std::isfinite(mebibytes) || mebibytes < 0) return std::nullopt;
  return mebibytes * kMebibyte;
}

}  // namespace

GpmReader::GpmReader(const Library& library, DeviceHandle handle, std::optional<std::uint32_t> gpu_instance)
    : library_(library), handle_(handle), gpu_instance_(gpu_instance) {}

GpmReader::~GpmReader() {
  for (GpmSample sample : samples_) {
    if (sample != nullptr) library_.gpm_sample_free(sample);
  }
}

bool GpmReader::prepare(CallGate& gate) {
  if (!std::exchange(asked_for_support_, true)) {
    GpmSupport support{kGpmVersion, 0};
    if (!gate.usable(Call::kGpm, library_.gpm_support(handle_, &support))) return false;
    if (support.supported == 0) {
      gate.mask(Call::kGpm);
      return false;
    }
  }
  for (GpmSample& sample : samples_) {
    if (sample == nullptr && !gate.usable(Call::kGpm, library_.gpm_sample_alloc(&sample))) return false;
  }
  return true;
}

int GpmReader::take_sample(GpmSample sample) const {
  return gpu_instance_ ? library_.gpm_mig_sample_get(handle_, *gpu_instance_, sample)
                       : library_.gpm_sample_get(handle_, sample);
}

void GpmReader::read(WallTime now, CallGate& gate, Reading& reading) {
  if (!gate.asks(Call::kGpm) || !prepare(gate)) return;
  if (sampled_at_ && now - *sampled_at_ <= kLeastDistance && now >= *sampled_at_) return;
  if (!gate.usable(Call::kGpm, take_sample(samples_[1]))) return;
  const bool is_first = !std::exchange(sampled_at_, now).has_value();
  std::swap(samples_[0], samples_[1]);
  if (is_first) return;
  GpmRequest request{};
  request.version = kGpmVersion;
  request.count = static_cast<std::uint32_t>(std::size(kMetrics));
  request.first = samples_[1];
  request.second = samples_[0];
  for (std::size_t i = 0; i < std::size(kMetrics); ++i) request.metrics[i].id = kMetrics[i].id;
  if (!gate.usable(Call::kGpm, library_.gpm_metrics_get(&request))) return;
  for (std::size_t i = 0; i < std::size(kMetrics); ++i) {
    const GpmMetric& metric = request.metrics[i];
    if (metric.code != kSuccess) continue;
    reading.*kMetrics[i].value =
        kMetrics[i].is_percent ? percent(metric.value) : bytes_per_second(metric.value);
  }
}

}  // namespace gpuscale::gpu::nvml
