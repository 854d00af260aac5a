// SPDX-License-Identifier: Apache-2.0
/// AMD's devices by the amdgpu driver's files in sysfs. Files are read anew each time: they vanish when a
/// device is reset or unbound.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gpu/amdgpu/gpu_metrics.h"
#include "gpu/amdgpu/process_scan.h"
#include "gpu/call_watch.h"
#include "gpu/source.h"
#include "log/log.h"

namespace gpuscale::gpu::amdgpu {

/// Whether there is a device of AMD's under `root` + "/sys/class/drm" that this source reads.
bool has_device(const std::string& root = "");

/// Not thread-safe.
class AmdgpuSource final : public GpuSource {
 public:
  /// `root` is "" but in tests. Errors: kNotFound where no device is bound to amdgpu.
  static Result<std::unique_ptr<AmdgpuSource>> open(log::Log log, CallWatch* watch = nullptr,
                                                    std::string root = "");
  std::string name() const override { return "amdgpu"; }
  /// A device that is suspended is left asleep: every read would wake it. It has utilisation 0 (proven:
  /// nothing runs on it) and nothing else.
  Result<std::vector<Reading>> read(WallTime now) override;

 private:
  struct Card {
    DeviceIdentity identity;
    std::string folder;                               ///< .../cardN/device
    std::string hwmon;                                ///< "" where there is none
    std::map<std::string, std::string> temperatures;  ///< label ("edge", "junction", "mem") to file
    std::optional<GpuMetrics> before;                 ///< of the last read
    WallTime before_at;
  };

  AmdgpuSource(log::Log log, CallWatch* watch, std::string root)
      : log_(std::move(log)), watch_(watch), root_(std::move(root)), scan_(root_, watch) {}
  void find_cards();
  Reading read_card(Card& card, WallTime now) const;
  void look_at_processes(WallTime now);
  void add_table(Card& card, Reading& reading) const;

  const log::Log log_;
  CallWatch* const watch_;
  const std::string root_;
  std::vector<Card> cards_;
  ProcessScan scan_;
  DeviceProcesses processes_;
  std::optional<WallTime> processes_at_;
};

}  // namespace gpuscale::gpu::amdgpu
