// SPDX-License-Identifier: Apache-2.0
/// Work for a device, to try rules out: a share of each period it is kept busy, and left alone for the rest.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace gpuscale::gpu::stress {

class DeviceLoad {
 public:
  virtual ~DeviceLoad() = default;
  virtual std::string name() const = 0;
  /// Keeps the device busy for about so long, and returns then. Errors: kUnavailable (the device fails).
  virtual Result<void> work_for(Nanos span) = 0;
  /// Percent busy since the last call, as the device itself measures it; empty where it does not.
  virtual std::optional<double> measured() = 0;
};

/// A virtual device of this process' own.
std::unique_ptr<DeviceLoad> make_virtual_load();
/// GPU number `index` by the CUDA driver API, which is loaded at run time: a kernel of multiplications on
/// every multiprocessor. Errors: kUnavailable (no libcuda.so.1, no such GPU), with the driver's reason.
Result<std::unique_ptr<DeviceLoad>> open_cuda_load(int index);

/// How long of `period` the device works to be `percent` (0..100) busy. Pure.
Nanos busy_part(double percent, Nanos period);

struct DutyCycle {
  double percent = 50;
  Nanos period = std::chrono::milliseconds{100};  ///< shorter than what utilisation is measured over
  Nanos length{0};
};
/// Works and rests until `length` has passed or `stop` becomes true; calls `tell` once a second.
Result<void> run_cycle(DeviceLoad& load, const DutyCycle& cycle, const Clock& clock,
                       const std::atomic<bool>& stop, const std::function<void(Nanos passed)>& tell);

}  // namespace gpuscale::gpu::stress
