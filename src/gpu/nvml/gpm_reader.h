// SPDX-License-Identifier: Apache-2.0
/// GPU Performance Monitoring (Hopper and later): how busy the parts of a device really were between two
/// samples. Needs no DCGM and takes no lock that a profiler would want.
#pragma once
#include <array>
#include <optional>

#include "gpu/nvml/call_gate.h"

namespace gpuscale::gpu::nvml {

/// Not thread-safe. Must be gone before the library is shut down.
class GpmReader {
 public:
  /// `handle` of the whole GPU; `gpu_instance` where only that slice is meant.
  GpmReader(const Library& library, DeviceHandle handle, std::optional<std::uint32_t> gpu_instance);
  ~GpmReader();
  GpmReader(const GpmReader&) = delete;
  GpmReader& operator=(const GpmReader&) = delete;

  /// What went on since the last call; nothing at the first one, and where less than 100 ms have passed (the
  /// driver's values are invalid then).
  void read(WallTime now, CallGate& gate, Reading& reading);

 private:
  bool prepare(CallGate& gate);
  int take_sample(GpmSample sample) const;

  const Library& library_;
  DeviceHandle handle_;
  std::optional<std::uint32_t> gpu_instance_;
  bool asked_for_support_ = false;
  std::array<GpmSample, 2> samples_{};  ///< earlier, later
  std::optional<WallTime> sampled_at_;
};

}  // namespace gpuscale::gpu::nvml
