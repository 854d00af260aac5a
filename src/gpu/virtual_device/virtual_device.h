// SPDX-License-Identifier: Apache-2.0
/// A device made of a real queue and one real server: it takes work, holds the device for the work's service
/// time, one at a time, and measures when each really began and ended. What it reports as utilisation is that
/// measurement; what it does not measure (power, temperature, memory) it leaves out.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "gpu/source.h"
#include "gpu/virtual_device/busy_meter.h"

namespace gpuscale::gpu {

struct VirtualDeviceOptions {
  std::string name;                ///< the node's; makes the uuid, so the same name has the same uuid
  std::size_t max_queue = 10'000;  ///< pieces of work waiting, without the one being served
};

/// How one piece of work went, as measured.
struct WorkReport {
  bool completed = false;  ///< false: the device stopped first
  Nanos queued{0};         ///< from submit() to the start of service
  Nanos served{0};
};

class VirtualDevice final : public GpuSource {
 public:
  using Done = std::function<void(const WorkReport&)>;

  explicit VirtualDevice(VirtualDeviceOptions options);
  ~VirtualDevice() override;
  VirtualDevice(const VirtualDevice&) = delete;
  VirtualDevice& operator=(const VirtualDevice&) = delete;

  /// Queues work of `service_time` > 0. Where it succeeds, `done` runs exactly once, on the device's thread:
  /// it must be short. Errors: kExhausted (queue full), kUnavailable (stopped); then `done` never runs.
  /// Thread-safe.
  Result<void> submit(Nanos service_time, Done done);

  /// Work waiting and being served. Thread-safe.
  std::size_t depth() const;

  /// Stops at once: the work being served and all that waits report completed = false. Idempotent.
  void stop();

  std::string name() const override { return "virtual"; }
  Result<std::vector<Reading>> read(WallTime now) override;

 private:
  struct Work {
    Nanos service_time;
    MonoTime submitted;
    Done done;
  };
  void serve();
  void serve_one(std::unique_lock<std::mutex>& lock);

  const VirtualDeviceOptions options_;
  const DeviceIdentity identity_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;  ///< work, or the stop
  std::condition_variable halted_;   ///< the stop alone: submitting must not wake a device that is serving
  std::deque<Work> waiting_;
  bool serving_ = false;
  bool stopped_ = false;
  BusyMeter meter_;
  std::thread server_;  // last: it uses all of the above
};

/// "GPU-xxxxxxxx-xxxx-...": the same for the same name.
std::string virtual_uuid(const std::string& name);

}  // namespace gpuscale::gpu
