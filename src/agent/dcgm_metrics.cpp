// SPDX-License-Identifier: Apache-2.0
#include "agent/dcgm_metrics.h"

#include <cmath>
#include <span>

namespace gpuscale::agent {
namespace {

using gpu::Reading;

/// A family, its value from a reading in `scale` of ours, and whether dcgm-exporter writes decimals.
template <typename T>
struct Family {
  const char* name;
  const char* type;
  const char* help;
  std::optional<T> Reading::* value;
  double scale = 1;
  bool decimals = false;
};

constexpr double kMib = 1.0 / (1 << 20);
constexpr double kPercentAsRatio = 0.01;

constexpr Family<double> kRealFamilies[] = {
    {"DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz).", &Reading::sm_clock_mhz},
    {"DCGM_FI_DEV_MEM_CLOCK", "gauge", "Memory clock frequency (in MHz).", &Reading::memory_clock_mhz},
    {"DCGM_FI_DEV_MEMORY_TEMP", "gauge", "Memory temperature (in C).", &Reading::temperature_memory_celsius},
    {"DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C).", &Reading::temperature_celsius},
    {"DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W).", &Reading::power_watts, 1, true},
    {"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Total energy consumption since boot (in mJ).",
     &Reading::energy_joules, 1000},
    {"DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %).", &Reading::utilization_gpu},
    {"DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %).", &Reading::utilization_memory},
    {"DCGM_FI_DEV_ENC_UTIL", "gauge", "Encoder utilization (in %).", &Reading::utilization_encoder},
    {"DCGM_FI_DEV_DEC_UTIL", "gauge", "Decoder utilization (in %).", &Reading::utilization_decoder},
    {"DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", "Ratio of time the graphics engine is active.",
     &Reading::graphics_active, kPercentAsRatio, true},
    {"DCGM_FI_PROF_SM_ACTIVE", "gauge", "The ratio of cycles an SM has at least 1 warp assigned.",
     &Reading::sm_active, kPercentAsRatio, true},
    {"DCGM_FI_PROF_SM_OCCUPANCY", "gauge", "The ratio of number of warps resident on an SM.",
     &Reading::sm_occupancy, kPercentAsRatio, true},
    {"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", "Ratio of cycles the tensor (HMMA) pipe is active.",
     &Reading::tensor_active, kPercentAsRatio, true},
    {"DCGM_FI_PROF_DRAM_ACTIVE", "gauge",
     "Ratio of cycles the device memory interface is active sending or receiving data.",
     &Reading::dram_active, kPercentAsRatio, true},
    {"DCGM_FI_PROF_PIPE_FP64_ACTIVE", "gauge", "Ratio of cycles the fp64 pipes are active.",
     &Reading::fp64_active, kPercentAsRatio, true},
    {"DCGM_FI_PROF_PIPE_FP32_ACTIVE", "gauge", "Ratio of cycles the fp32 pipes are active.",
     &Reading::fp32_active, kPercentAsRatio, true},
    {"DCGM_FI_PROF_PIPE_FP16_ACTIVE", "gauge", "Ratio of cycles the fp16 pipes are active.",
     &Reading::fp16_active, kPercentAsRatio, true},
    {"DCGM_FI_PROF_PCIE_TX_BYTES", "gauge",
     "The rate of data transmitted over the PCIe bus - including both protocol headers and data payloads - "
     "in "
     "bytes per second.",
     &Reading::pcie_tx_bytes_per_second},
    {"DCGM_FI_PROF_PCIE_RX_BYTES", "gauge",
     "The rate of data received over the PCIe bus - including both protocol headers and data payloads - in "
     "bytes per second.",
     &Reading::pcie_rx_bytes_per_second},
    {"DCGM_FI_PROF_NVLINK_TX_BYTES", "gauge", "The rate of data transmitted over NVLink in bytes per second.",
     &Reading::nvlink_tx_bytes_per_second},
    {"DCGM_FI_PROF_NVLINK_RX_BYTES", "gauge", "The rate of data received over NVLink in bytes per second.",
     &Reading::nvlink_rx_bytes_per_second},
};

constexpr Family<std::int64_t> kWholeFamilies[] = {
    {"DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", "Total number of PCIe retries.", &Reading::pcie_replays},
    {"DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB).", &Reading::memory_free_bytes, kMib},
    {"DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB).", &Reading::memory_used_bytes, kMib},
    {"DCGM_FI_DEV_FB_RESERVED", "gauge", "Framebuffer memory reserved (in MiB).",
     &Reading::memory_reserved_bytes, kMib},
    {"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for uncorrectable errors",
     &Reading::remapped_rows_uncorrected},
    {"DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for correctable errors",
     &Reading::remapped_rows_corrected},
    {"DCGM_FI_DEV_ROW_REMAP_FAILURE", "gauge", "Whether remapping of rows has failed",
     &Reading::remapped_rows_failed},
    {"DCGM_FI_DEV_POWER_VIOLATION", "counter", "Throttling duration due to power constraints (in ns).",
     &Reading::throttle_power_ns},
    {"DCGM_FI_DEV_THERMAL_VIOLATION", "counter", "Throttling duration due to thermal constraints (in ns).",
     &Reading::throttle_thermal_ns},
    {"DCGM_FI_DEV_SYNC_BOOST_VIOLATION", "counter",
     "Throttling duration due to sync-boost constraints (in ns).", &Reading::throttle_sync_boost_ns},
    {"DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", "counter",
     "Throttling duration due to board limit constraints (in ns).", &Reading::throttle_board_limit_ns},
    {"DCGM_FI_DEV_LOW_UTIL_VIOLATION", "counter", "Throttling duration due to low utilization (in ns).",
     &Reading::throttle_low_utilization_ns},
    {"DCGM_FI_DEV_RELIABILITY_VIOLATION", "counter",
     "Throttling duration due to reliability constraints (in ns).", &Reading::throttle_reliability_ns},
    {"DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "counter", "Total number of single-bit volatile ECC errors.",
     &Reading::ecc_corrected_volatile},
    {"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "counter", "Total number of double-bit volatile ECC errors.",
     &Reading::ecc_uncorrected_volatile},
    {"DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "counter", "Total number of single-bit persistent ECC errors.",
     &Reading::ecc_corrected_aggregate},
    {"DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "counter", "Total number of double-bit persistent ECC errors.",
     &Reading::ecc_uncorrected_aggregate},
    {"DCGM_FI_DEV_RETIRED_SBE", "counter", "Total number of retired pages due to single-bit errors.",
     &Reading::retired_pages_single_bit},
    {"DCGM_FI_DEV_RETIRED_DBE", "counter", "Total number of retired pages due to double-bit errors.",
     &Reading::retired_pages_double_bit},
    {"DCGM_FI_DEV_RETIRED_PENDING", "counter", "Total number of pages pending retirement.",
     &Reading::retired_pages_pending},
    {"DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "counter",
     "Total number of NVLink flow-control CRC errors.", &Reading::nvlink_crc_flit_errors},
    {"DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", "counter", "Total number of NVLink data CRC errors.",
     &Reading::nvlink_crc_data_errors},
    {"DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "counter", "Total number of NVLink retries.",
     &Reading::nvlink_replay_errors},
    {"DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "counter", "Total number of NVLink recovery errors.",
     &Reading::nvlink_recovery_errors},
};

metrics::Exposition::Labels labels_of(const Reading& reading, const DcgmNaming& naming) {
  const auto& mig = reading.device.mig;
  metrics::Exposition::Labels labels{
      {"gpu", std::to_string(reading.device.index)},
      {"UUID", mig ? mig->parent_uuid : reading.device.uuid},
      {"pci_bus_id", reading.device.pci_bus_id},
      {"device", "nvidia" + std::to_string(reading.device.index)},
      {"modelName", reading.device.model},
  };
  if (mig) {
    labels.emplace_back("GPU_I_PROFILE", mig->profile);
    labels.emplace_back("GPU_I_ID", std::to_string(mig->gpu_instance));
  }
  labels.emplace_back(naming.hostname_label, naming.host);
  labels.emplace_back("DCGM_FI_DRIVER_VERSION", reading.driver_version);
  return labels;
}

bool is_nvidia(const Reading& reading) {
  return reading.state == gpu::DeviceState::kOk && !reading.driver_version.empty();
}

/// One for each tenant of a device, else one.
using RenderedLabels = std::vector<std::string>;

std::vector<RenderedLabels> labels_of_all(const std::vector<Reading>& readings, const DcgmNaming& naming,
                                          const std::vector<PodUse>& pods) {
  std::vector<RenderedLabels> all(readings.size());
  for (const PodUse& use : pods) {
    if (!use.given || use.reading >= readings.size()) continue;
    auto labels = labels_of(readings[use.reading], naming);
    labels.emplace_back("container", use.container);
    labels.emplace_back("namespace", use.pod_namespace);
    labels.emplace_back("pod", use.pod);
    if (!use.replica.empty()) labels.emplace_back("vgpu", use.replica);
    all[use.reading].push_back(metrics::Exposition::render_labels(labels));
  }
  for (std::size_t i = 0; i < readings.size(); ++i) {
    if (all[i].empty()) all[i].push_back(metrics::Exposition::render_labels(labels_of(readings[i], naming)));
  }
  return all;
}

template <typename T>
void append(metrics::Exposition& out, const Family<T>& family, const std::vector<Reading>& readings,
            const std::vector<RenderedLabels>& labels) {
  bool begun = false;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const Reading& reading = readings[i];
    const std::optional<T>& value = reading.*family.value;
    if (!is_nvidia(reading) || !value) continue;
    if (!begun) out.family(family.name, family.type, family.help);
    begun = true;
    const double scaled = static_cast<double>(*value) * family.scale;
    for (const std::string& each : labels[i])
      out.fixed_sample(family.name, each, scaled, family.decimals ? 6 : 0);
  }
}

/// The newest Xid as a number, 0 for none, as dcgm-exporter has it; and each code counted, which shows the
/// same Xid twice.
void append_xids(metrics::Exposition& out, const std::vector<Reading>& readings, const DcgmNaming& naming) {
  bool begun = false;
  for (const Reading& reading : readings) {
    if (!is_nvidia(reading) || !reading.xid_total) continue;
    if (!begun) {
      out.family("DCGM_FI_DEV_XID_ERRORS", "gauge", "Value of the last XID error encountered.");
      begun = true;
    }
    auto labels = labels_of(reading, naming);
    const std::int64_t last = reading.xid_last.value_or(0);
    labels.emplace_back("err_code", std::to_string(last));
    labels.emplace_back("err_msg", last == 0 ? "No Error" : "Xid " + std::to_string(last));
    out.fixed_sample("DCGM_FI_DEV_XID_ERRORS", metrics::Exposition::render_labels(labels),
                     static_cast<double>(last), 0);
  }
  begun = false;
  for (const Reading& reading : readings) {
    if (!is_nvidia(reading)) continue;
    for (const gpu::XidCount& xid : reading.xids) {
      if (!begun) out.family("gpuscale_gpu_xids_total", "counter", "Xids seen, by code");
      begun = true;
      out.sample("gpuscale_gpu_xids_total",
                 {{"gpu", std::to_string(reading.device.index)},
                  {"uuid", reading.device.uuid},
                  {"xid", std::to_string(xid.code)}},
                 static_cast<double>(xid.count));
    }
  }
}

}  // namespace

void append_dcgm_metrics(metrics::Exposition& out, const std::vector<Reading>& readings,
                         const DcgmNaming& naming, const std::vector<PodUse>& pods) {
  const std::vector<RenderedLabels> labels = labels_of_all(readings, naming, pods);
  for (const auto& family : kRealFamilies) append(out, family, readings, labels);
  for (const auto& family : kWholeFamilies) append(out, family, readings, labels);
  append_xids(out, readings, naming);
}

}  // namespace gpuscale::agent
