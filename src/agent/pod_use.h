// SPDX-License-Identifier: Apache-2.0
/// What each pod has of each device: given to it by kubelet, and measured of its processes. On a shared
/// device this is the split that one number for the whole device cannot give.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/pod_watch.h"
#include "agent/process_owner.h"
#include "agent/sampler.h"
#include "gpu/source.h"

namespace gpuscale::agent {

struct PodUse {
  std::size_t reading = 0;  ///< index of the device's reading
  std::string pod_namespace;
  std::string pod;
  std::string container;  ///< "" where several of the pod's containers may be meant
  std::string replica;    ///< of a device shared by time; "" of one that is not
  bool given = false;     ///< by kubelet; else a process of the pod is on the device without that
  std::int64_t processes = 0;
  std::optional<std::int64_t> memory_used_bytes;  ///< of its processes; absent where the driver tells none
  std::optional<double> utilization_gpu;          ///< sum over its processes, at most 100
};

using OwnerOf = std::function<ProcessOwner(std::int64_t pid)>;

/// Ordered by device; of one device first those that it was given to. Pure but for `owner_of`.
std::vector<PodUse> pod_uses(const std::vector<gpu::Reading>& readings, const PodSight& pods,
                             const OwnerOf& owner_of);

/// A line of measurement `gpu_pod` each: tags as `gpu`'s without the model, and namespace, pod, container.
/// Pure.
std::vector<std::string> pod_lines(const NodeIdentity& identity, const std::vector<gpu::Reading>& readings,
                                   const std::vector<PodUse>& uses);

/// Remembers whom a process belongs to, for a while: what it takes to find out is three files. Not
/// thread-safe.
class OwnerMemory {
 public:
  /// As owner_of of process_owner.h, at most kKept old.
  ProcessOwner find(std::int64_t pid, MonoTime now);

 private:
  static constexpr Nanos kKept = std::chrono::seconds{10};
  static constexpr std::size_t kMost = 4096;
  struct Known {
    ProcessOwner owner;
    MonoTime at;
  };
  std::map<std::int64_t, Known> known_;
};

}  // namespace gpuscale::agent
