// SPDX-License-Identifier: Apache-2.0
/// The GPU port: what a machine's devices measure. Implementations: nvml/ (NVIDIA by dlopen), virtual_device/
/// (a real queue that measures its own busy time), replay/ (a recording). A source knows no server.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace gpuscale::gpu {

/// A slice of a GPU in MIG mode.
struct MigIdentity {
  int gpu_instance = 0;
  int compute_instance = 0;
  std::string profile;      ///< "1g.10gb"
  std::string parent_uuid;  ///< of the whole GPU
};

struct DeviceIdentity {
  int index = 0;
  std::string uuid;                ///< "GPU-...." or "MIG-...."; stable over restarts
  std::string model;               ///< "NVIDIA H100 80GB HBM3"
  std::string pci_bus_id;          ///< "00000000:3B:00.0"; "" where it has none
  std::optional<MigIdentity> mig;  ///< of a MIG slice
};

/// Absence is a value: kOk carries numbers; every other state carries none and says why.
enum class DeviceState { kOk, kLost, kNeedsReset, kDriverError, kNoPermission };
std::string_view to_string(DeviceState state);

/// A process that holds device memory.
struct ProcessUse {
  std::int64_t pid = 0;                      ///< as this process' PID namespace has it
  std::optional<std::int64_t> memory_bytes;  ///< of this device
  std::optional<double> utilization_gpu;     ///< percent of the SMs' time, 0..100
};

/// How often one Xid (NVIDIA's error code) was seen since the source was opened.
struct XidCount {
  std::int64_t code = 0;
  std::int64_t count = 0;
  WallTime last_at;
};

/// One reading of one device. An empty optional = this device does not measure it; never 0, never a sentinel.
/// Names, units and meaning of each value: signals.h. Without suffix: the mean since the last reading.
struct Reading {
  DeviceIdentity device;
  DeviceState state = DeviceState::kOk;
  std::string detail;  ///< why, where state is not kOk
  WallTime at;
  /// The values that change slowly (error counts, links) were read now, not repeated from an earlier reading.
  bool slow_is_fresh = true;

  std::optional<double> utilization_gpu;
  std::optional<double> utilization_gpu_min;
  std::optional<double> utilization_gpu_max;
  std::optional<double> utilization_gpu_last;
  std::optional<double> utilization_memory;
  std::optional<double> utilization_encoder;
  std::optional<double> utilization_decoder;
  std::optional<double> saturation;
  std::optional<double> saturation_confidence;
  std::optional<double> graphics_active;
  std::optional<double> sm_active;
  std::optional<double> sm_occupancy;
  std::optional<double> tensor_active;
  std::optional<double> dram_active;
  std::optional<double> fp64_active;
  std::optional<double> fp32_active;
  std::optional<double> fp16_active;
  std::optional<double> power_watts;
  std::optional<double> power_watts_min;
  std::optional<double> power_watts_max;
  std::optional<double> power_watts_last;
  std::optional<double> power_limit_watts;
  std::optional<double> energy_joules;
  std::optional<double> temperature_celsius;
  std::optional<double> temperature_memory_celsius;
  std::optional<double> sm_clock_mhz;
  std::optional<double> sm_clock_max_mhz;
  std::optional<double> memory_clock_mhz;
  std::optional<double> pcie_tx_bytes_per_second;
  std::optional<double> pcie_rx_bytes_per_second;
  std::optional<double> nvlink_tx_bytes_per_second;
  std::optional<double> nvlink_rx_bytes_per_second;
  std::optional<double> queue_depth;

  std::optional<std::int64_t> memory_used_bytes;
  std::optional<std::int64_t> memory_free_bytes;
  std::optional<std::int64_t> memory_reserved_bytes;
  std::optional<std::int64_t> memory_total_bytes;
  std::optional<std::int64_t> throttle_reasons;
  std::optional<std::int64_t> throttle_power_ns;
  std::optional<std::int64_t> throttle_thermal_ns;
  std::optional<std::int64_t> throttle_sync_boost_ns;
  std::optional<std::int64_t> throttle_board_limit_ns;
  std::optional<std::int64_t> throttle_low_utilization_ns;
  std::optional<std::int64_t> throttle_reliability_ns;
  std::optional<std::int64_t> performance_state;
  std::optional<std::int64_t> pcie_replays;
  std::optional<std::int64_t> pcie_link_generation;
  std::optional<std::int64_t> pcie_link_width;
  std::optional<std::int64_t> ecc_corrected_volatile;
  std::optional<std::int64_t> ecc_uncorrected_volatile;
  std::optional<std::int64_t> ecc_corrected_aggregate;
  std::optional<std::int64_t> ecc_uncorrected_aggregate;
  std::optional<std::int64_t> retired_pages_single_bit;
  std::optional<std::int64_t> retired_pages_double_bit;
  std::optional<std::int64_t> retired_pages_pending;
  std::optional<std::int64_t> remapped_rows_corrected;
  std::optional<std::int64_t> remapped_rows_uncorrected;
  std::optional<std::int64_t> remapped_rows_pending;
  std::optional<std::int64_t> remapped_rows_failed;
  std::optional<std::int64_t> nvlink_crc_flit_errors;
  std::optional<std::int64_t> nvlink_crc_data_errors;
  std::optional<std::int64_t> nvlink_replay_errors;
  std::optional<std::int64_t> nvlink_recovery_errors;
  std::optional<std::int64_t> recovery_action;
  std::optional<std::int64_t> xid_last;
  std::optional<std::int64_t> xid_total;
  std::optional<std::int64_t> process_count;

  std::vector<ProcessUse> processes;
  std::vector<XidCount> xids;
  std::string driver_version;
  std::string doubt;  ///< which value misleads at the moment and why, in words; "" where none does
};

class GpuSource {
 public:
  virtual ~GpuSource() = default;
  /// "nvml", "virtual", "replay".
  virtual std::string name() const = 0;
  /// One reading per device, ordered by index; blocks for as long as the driver takes. A device in trouble is
  /// a Reading with its state, not an error. Errors: the source as a whole fails (kUnavailable: driver gone).
  virtual Result<std::vector<Reading>> read(WallTime now) = 0;
  /// A cheap look between two readings, so that a peak between them is not lost.
  virtual void glance() {}
  /// The driver asked for a device back and got it, so read() fails: whoever opens the source anew at once
  /// may take the device from whom it was given to.
  virtual bool gave_way() const { return false; }
};

}  // namespace gpuscale::gpu
