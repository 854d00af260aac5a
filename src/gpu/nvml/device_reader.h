// SPDX-License-Identifier: Apache-2.0
/// One GPU, or one MIG slice of it, behind NVML: reads what it measures, remembers what it does not, and
/// notices when it is gone.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gpu/nvml/abi.h"
#include "gpu/nvml/call_gate.h"
#include "gpu/nvml/fields.h"
#include "gpu/nvml/gpm_reader.h"
#include "gpu/nvml/library.h"
#include "gpu/nvml/process_reader.h"
#include "gpu/source.h"

namespace gpuscale::gpu::nvml {

/// Not thread-safe. `library` outlives it.
class DeviceReader {
 public:
  DeviceReader(const Library& library, DeviceIdentity identity, DeviceHandle handle);
  /// A slice: `parent` is the handle of its GPU, without which its activity cannot be asked for.
  DeviceReader(const Library& library, DeviceIdentity identity, DeviceHandle slice, DeviceHandle parent);
  /// A device that never gave a handle, or lost it: it only says its state until it is enumerated anew.
  DeviceReader(const Library& library, DeviceIdentity identity, int code);

  /// A device in trouble gives no numbers, also not those read before the trouble showed.
  Reading read(WallTime now);
  /// Looks at the power, which swings within a second.
  void glance();
  /// Gives back what the library holds for it; before the library is shut down.
  void release() { gpm_.reset(); }

  Aftermath aftermath() const { return gate_.aftermath(); }
  int aftermath_code() const { return gate_.aftermath_code(); }
  bool in_trouble() const { return gate_.state() != DeviceState::kOk; }
  DeviceHandle handle() const { return handle_; }
  const DeviceIdentity& identity() const { return identity_; }
  void accept_invalid_arguments() { gate_.accept_invalid_arguments(); }

 private:
  bool is_slice() const { return identity_.mig.has_value(); }
  void read_utilization(Reading& reading);
  bool drain_samples(Reading& reading);
  void read_memory(Reading& reading);
  void read_fast_counters(Reading& reading, WallTime now);
  void read_power(Reading& reading, const FastFields& fields, WallTime now);
  void read_temperature(Reading& reading);
  void read_clocks(Reading& reading);
  void read_slow(Reading& reading, WallTime now);
  void read_processes(WallTime now);
  std::optional<double> current_power();
  void note_power(double watts);

  const Library* library_;
  DeviceIdentity identity_;
  DeviceHandle handle_ = nullptr;
  CallGate gate_;
  std::unique_ptr<GpmReader> gpm_;
  ProcessReader process_reader_;

  std::uint64_t last_sample_us_ = 0;  ///< 0: the ring was never drained
  std::vector<Sample> ring_;
  std::optional<WallTime> counted_at_;
  FastFields counted_;
  std::optional<std::uint64_t> energy_millijoules_;
  std::optional<double> least_power_;  ///< since the last reading
  std::optional<double> most_power_;
  std::optional<WallTime> slow_at_;
  Reading slow_;  ///< the slow values as last read
  std::optional<WallTime> processes_at_;
  std::vector<ProcessUse> processes_;
  bool processes_known_ = false;
};

}  // namespace gpuscale::gpu::nvml
