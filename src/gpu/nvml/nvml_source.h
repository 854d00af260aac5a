// SPDX-License-Identifier: Apache-2.0
/// NVIDIA's devices by NVML. Blocks for as long as the driver takes; one GPU in trouble does not silence the
/// others.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gpu/nvml/binding_watch.h"
#include "gpu/nvml/device_reader.h"
#include "gpu/nvml/event_watch.h"
#include "gpu/nvml/library.h"
#include "gpu/source.h"
#include "log/log.h"

namespace gpuscale::gpu::nvml {

/// Not thread-safe.
class NvmlSource final : public GpuSource {
 public:
  /// Loads and initialises NVML and finds its devices. Errors: kUnavailable, with what mends it: no library,
  /// no driver; kConflict: library and driver of different versions; kForbidden: no access;
  /// kNotFound: no GPU.
  static Result<std::unique_ptr<NvmlSource>> open(log::Log log, CallWatch* watch = nullptr);
  ~NvmlSource() override;
  NvmlSource(const NvmlSource&) = delete;
  NvmlSource& operator=(const NvmlSource&) = delete;

  std::string name() const override { return "nvml"; }
  /// kUnavailable while the driver is away; it is tried anew at growing pauses of 1 s to 30 s of `now`.
  Result<std::vector<Reading>> read(WallTime now) override;
  void glance() override;
  bool gave_way() const override { return gave_way_; }

 private:
  NvmlSource(std::unique_ptr<Library> library, log::Log log)
      : library_(std::move(library)), log_(std::move(log)), events_(*library_), bindings_(*library_) {}
  Result<void> start();
  Result<void> enumerate();
  Result<void> revive(WallTime now);
  void shut_down();
  void follow_bindings();
  DeviceReader make_reader(std::uint32_t index) const;
  void add_slices(DeviceHandle gpu, const DeviceIdentity& whole);
  void keep_the_lost(const std::vector<DeviceReader>& before);
  void note_state(const Reading& reading);
  Result<void> attend(WallTime now);

  std::unique_ptr<Library> library_;
  log::Log log_;
  EventWatch events_;
  BindingWatch bindings_;
  std::string driver_version_;
  std::vector<DeviceReader> devices_;
  bool alive_ = false;
  bool gave_way_ = false;
  bool reenumerated_for_invalid_ = false;
  std::map<std::string, DeviceState> last_states_;  ///< by uuid or index, so that a change is logged once
  std::string reported_;                            ///< the trouble last logged, so that it is logged once
  Nanos pause_{0};
  WallTime next_attempt_{};
  std::optional<WallTime> probed_at_;
};

}  // namespace gpuscale::gpu::nvml
