// SPDX-License-Identifier: Apache-2.0
/// What the driver reports by itself: Xid errors, counted per device and code, and changes of the MIG slices.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "gpu/nvml/library.h"
#include "gpu/source.h"

namespace gpuscale::gpu::nvml {

/// Not thread-safe. stop() must be called before the library is shut down.
class EventWatch {
 public:
  explicit EventWatch(const Library& library) : library_(library) {}

  /// Watches these devices from now on; the counts so far stay. Events before this are lost.
  void start(const std::vector<std::pair<DeviceHandle, std::string>>& handles_and_uuids);
  void stop();
  /// Takes what has been reported, without waiting. @return whether MIG slices changed.
  bool drain(WallTime now);
  bool watches(const std::string& uuid) const { return watched_.contains(uuid); }
  /// Fills in the counts; a watched device without any has xid_total 0.
  void tell(Reading& reading) const;

 private:
  void count(const std::string& uuid, std::int64_t code, WallTime now);

  const Library& library_;
  void* set_ = nullptr;
  std::map<DeviceHandle, std::string> uuids_;
  std::map<std::string, bool> watched_;
  std::map<std::string, std::vector<XidCount>> counts_;
  std::map<std::string, std::int64_t> last_;
};

}  // namespace gpuscale::gpu::nvml
