// SPDX-License-Identifier: Apache-2.0
/// One GPU behind NVML: reads what it measures, remembers what it does not, and notices when it is gone.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "gpu/nvml/abi.h"
#include "gpu/nvml/library.h"
#include "gpu/nvml/reaction.h"
#include "gpu/source.h"

namespace gpuscale::gpu::nvml {

/// What the caller must do for the whole source after a device was read.
enum class Aftermath { kNone, kReenumerate, kReinitialize };

/// Not thread-safe. `library` outlives it.
class DeviceReader {
 public:
  DeviceReader(const Library& library, DeviceIdentity identity, DeviceHandle handle);
  /// A device that never gave a handle, or lost it: it only says its state until it is enumerated anew.
  DeviceReader(const Library& library, DeviceIdentity identity, int code);

  /// A device in trouble gives no numbers, also not those read before the trouble showed.
  Reading read(WallTime now);
  Aftermath aftermath() const { return aftermath_; }
  int aftermath_code() const { return aftermath_code_; }
  bool in_trouble() const { return state_ != DeviceState::kOk; }
  const DeviceIdentity& identity() const { return identity_; }
  /// Called where re-enumerating did not help: masks what answers kInvalidArgument from now on.
  void accept_invalid_arguments() { mask_invalid_ = true; }

 private:
  enum Call : std::size_t {
    kRates,
    kSamples,
    kMemory2,
    kMemory1,
    kPower,
    kLimit,
    kTempV,
    kTemp,
    kSm,
    kMem,
    kCalls
  };

  /// Whether the value of a call that answered `code` may be used; takes note of everything else.
  bool usable(Call call, int code);
  bool asks(Call call) const { return handle_ != nullptr && !stopped_ && !masked_[call]; }
  void read_utilization(Reading& reading);
  bool drain_samples(Reading& reading);
  void read_memory(Reading& reading);
  void read_power(Reading& reading);
  void read_temperature(Reading& reading);
  std::optional<double> read_clock(Call call, int type);

  const Library* library_;
  DeviceIdentity identity_;
  DeviceHandle handle_ = nullptr;
  std::array<bool, kCalls> masked_{};
  bool mask_invalid_ = false;
  bool stopped_ = false;  ///< no more calls in this reading
  DeviceState state_ = DeviceState::kOk;
  std::string detail_;
  Aftermath aftermath_ = Aftermath::kNone;
  int aftermath_code_ = kSuccess;
  std::uint64_t last_sample_us_ = 0;  ///< 0: the ring was never drained
  std::vector<Sample> ring_;
};

}  // namespace gpuscale::gpu::nvml
