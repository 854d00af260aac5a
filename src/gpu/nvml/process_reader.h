// SPDX-License-Identifier: Apache-2.0
/// Which processes hold a device's memory, and how much of it and of its time.
#pragma once
#include "gpu/nvml/call_gate.h"

namespace gpuscale::gpu::nvml {

/// Not thread-safe.
class ProcessReader {
 public:
  /// The newest of the processes, most memory first; `with_utilization` not for slices.
  std::vector<ProcessUse> read(const Library& library, DeviceHandle handle, CallGate& gate,
                               bool with_utilization);

 private:
  std::uint64_t seen_us_ = 0;  ///< of the newest sample
};

}  // namespace gpuscale::gpu::nvml
