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

struct DeviceIdentity {
  int index = 0;
  std::string uuid;   ///< "GPU-...."; stable over restarts
  std::string model;  ///< "NVIDIA H100 80GB HBM3"
};

/// Absence is a value: kOk carries numbers; every other state carries none and says why.
enum class DeviceState { kOk, kLost, kNeedsReset, kDriverError, kNoPermission };
std::string_view to_string(DeviceState state);

/// One reading of one device. An empty optional = this device does not measure it; never 0, never a sentinel.
struct Reading {
  DeviceIdentity device;
  DeviceState state = DeviceState::kOk;
  std::string detail;  ///< why, where state is not kOk
  WallTime at;
  std::optional<double> utilization_gpu;      ///< percent 0..100, mean since the last reading
  std::optional<double> utilization_gpu_max;  ///< percent, highest within the interval
  std::optional<double> utilization_memory;   ///< percent of time the memory was read or written
  std::optional<std::int64_t> memory_used_bytes;
  std::optional<std::int64_t> memory_total_bytes;
  std::optional<double> power_watts;
  std::optional<double> power_limit_watts;
  std::optional<double> temperature_celsius;
  std::optional<double> sm_clock_mhz;
  std::optional<double> memory_clock_mhz;
  std::optional<double> queue_depth;  ///< requests waiting or being served (virtual device)
};

class GpuSource {
 public:
  virtual ~GpuSource() = default;
  /// "nvml", "virtual", "replay".
  virtual std::string name() const = 0;
  /// One reading per device, ordered by index; blocks for as long as the driver takes. A device in trouble is
  /// a Reading with its state, not an error. Errors: the source as a whole fails (kUnavailable: driver gone).
  virtual Result<std::vector<Reading>> read(WallTime now) = 0;
};

}  // namespace gpuscale::gpu
