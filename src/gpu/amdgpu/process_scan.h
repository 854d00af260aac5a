// SPDX-License-Identifier: Apache-2.0
/// Which processes use AMD's devices: by the open files of /dev/dri, of which the kernel tells memory and
/// engine time, and by the compute driver's (KFD) list, which knows ROCm's queues in user space that no
/// engine counter sees.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "gpu/call_watch.h"
#include "gpu/source.h"

namespace gpuscale::gpu::amdgpu {

/// What the kernel tells of one open file of a device (Documentation/gpu/drm-usage-stats.rst; Linux 5.19 on).
struct DrmUse {
  std::string pci_bus_id;                  ///< "0000:c1:00.0"
  std::int64_t client = 0;                 ///< files of one client show the same use
  std::optional<std::int64_t> vram_bytes;  ///< resident, where the kernel tells that apart
  std::optional<std::int64_t> busy_ns;     ///< of the graphics and compute engines since the client began
};
/// From the text of /proc/PID/fdinfo/N; nothing where it is no file of the amdgpu driver. Pure.
std::optional<DrmUse> parse_fdinfo(std::string_view text);

/// The processes of each device by its PCI address, those with most memory first.
struct DeviceProcesses {
  std::map<std::string, std::vector<ProcessUse>> by_device;
  bool complete = true;  ///< false: the kernel hid some process' files from us, or there were too many
};

/// Not thread-safe.
class ProcessScan {
 public:
  /// `root` is "" but in tests.
  ProcessScan(std::string root, CallWatch* watch) : root_(std::move(root)), watch_(watch) {}
  /// Looks through /proc: a few milliseconds for some hundred processes. Utilisation is the mean since the
  /// last look, of clients that were there then.
  DeviceProcesses look(WallTime now);

 private:
  using Client = std::tuple<std::int64_t, std::string, std::int64_t>;       // pid, device, client
  using Uses = std::map<std::pair<std::string, std::int64_t>, ProcessUse>;  // by device and pid
  void add_open_files(std::int64_t pid, double elapsed_ns, std::map<Client, std::int64_t>& busy, Uses& uses,
                      DeviceProcesses& found);
  void add_compute_processes(Uses& uses) const;

  const std::string root_;
  CallWatch* const watch_;
  std::map<Client, std::int64_t> busy_;  ///< nanoseconds, at the last look
  WallTime looked_at_{};
  std::size_t descriptors_ = 0;  ///< seen in this look
};

}  // namespace gpuscale::gpu::amdgpu
