// SPDX-License-Identifier: Apache-2.0
/// The values that NVML gives many at a time (nvmlDeviceGetFieldValues): one call for those that change fast,
/// one for those that change slowly. Field numbers: nvml.h 13.3.
#pragma once
#include <optional>

#include "gpu/nvml/call_gate.h"

namespace gpuscale::gpu::nvml {

/// Of one reading; counters count from the driver's load on.
struct FastFields {
  std::optional<double> power_watts;  ///< at this instant
  std::optional<double> temperature_memory_celsius;
  std::optional<std::uint64_t> nvlink_tx_kib;
  std::optional<std::uint64_t> nvlink_rx_kib;
  std::optional<std::uint64_t> pcie_tx_bytes;
  std::optional<std::uint64_t> pcie_rx_bytes;
};

FastFields read_fast_fields(const Library& library, DeviceHandle handle, CallGate& gate);
/// Errors, remapped rows, time throttled, recovery action.
void read_slow_fields(const Library& library, DeviceHandle handle, CallGate& gate, Reading& reading);

/// The rate between two counts; empty where the counter went back (wrapped, or the driver was reloaded).
std::optional<double> rate(std::optional<std::uint64_t> before, std::optional<std::uint64_t> now,
                           Nanos between, double unit);

}  // namespace gpuscale::gpu::nvml
