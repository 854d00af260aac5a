// SPDX-License-Identifier: Apache-2.0
/// What stands between one device and NVML: asks no call that the device does not have, and turns return
/// codes into the device's state (reaction.h).
#pragma once
#include <bitset>
#include <string>

#include "gpu/nvml/library.h"
#include "gpu/source.h"

namespace gpuscale::gpu::nvml {

enum class Call : std::size_t {
  kRates,
  kSamples,
  kEncoder,
  kDecoder,
  kMemory2,
  kMemory1,
  kPower,
  kLimit,
  kEnergy,
  kTemperatureV,
  kTemperature,
  kSmClock,
  kMemoryClock,
  kMaxClock,
  kThrottle,
  kPerformanceState,
  kPcieGeneration,
  kPcieWidth,
  kFastFields,
  kSlowFields,
  kComputeProcesses,
  kGraphicsProcesses,
  kMpsProcesses,
  kProcessUtilization,
  kGpm,
  kCalls,
};

/// What the caller must do for the whole source after a device was read.
enum class Aftermath { kNone, kReenumerate, kReinitialize };

/// Not thread-safe. `library` outlives it.
class CallGate {
 public:
  explicit CallGate(const Library& library) : library_(&library) {}
  /// Of a device that is in trouble from the start: nothing is asked.
  CallGate(const Library& library, int code);

  /// A new reading begins.
  void begin();
  bool asks(Call call) const { return !gone_ && !stopped_ && !masked_[index(call)]; }
  bool is_masked(Call call) const { return masked_[index(call)]; }
  void mask(Call call) { masked_[index(call)] = true; }
  /// Whether the value of a call that answered `code` may be used; takes note of everything else.
  bool usable(Call call, int code);
  /// Called where re-enumerating did not help: masks what answers kInvalidArgument from now on.
  void accept_invalid_arguments() { mask_invalid_ = true; }

  DeviceState state() const { return state_; }
  const std::string& detail() const { return detail_; }
  Aftermath aftermath() const { return aftermath_; }
  int aftermath_code() const { return aftermath_code_; }

 private:
  static constexpr std::size_t index(Call call) { return static_cast<std::size_t>(call); }

  const Library* library_;
  std::bitset<static_cast<std::size_t>(Call::kCalls)> masked_;
  bool mask_invalid_ = false;
  bool gone_ = false;     ///< until it is enumerated anew
  bool stopped_ = false;  ///< no more calls in this reading
  DeviceState state_ = DeviceState::kOk;
  std::string detail_;
  Aftermath aftermath_ = Aftermath::kNone;
  int aftermath_code_ = kSuccess;
};

}  // namespace gpuscale::gpu::nvml
