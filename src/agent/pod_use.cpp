// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_use.h"

#include <algorithm>

#include "metrics/line_protocol.h"
#include "metrics/telemetry.h"

namespace gpuscale::agent {
namespace {

constexpr double kWhole = 100;

/// The entry of a pod on a device. A process tells its pod, not its container's name: where the pod has one
/// container there, that is meant.
PodUse& entry_of(std::vector<PodUse>& uses, std::size_t first, std::size_t reading, const PodName& name) {
  const auto is_it = [&](const PodUse& use) {
    return use.pod == name.pod && use.pod_namespace == name.pod_namespace;
  };
  const auto begin = uses.begin() + static_cast<std::ptrdiff_t>(first);
  const auto matches = std::count_if(begin, uses.end(), is_it);
  if (matches == 1) return *std::find_if(begin, uses.end(), is_it);
  const auto shared =
      std::find_if(begin, uses.end(), [&](const PodUse& use) { return is_it(use) && use.container.empty(); });
  if (shared != uses.end()) return *shared;
  PodUse use;
  use.reading = reading;
  use.pod_namespace = name.pod_namespace;
  use.pod = name.pod;
  use.given = matches > 0;
  uses.push_back(std::move(use));
  return uses.back();
}

}  // namespace

std::vector<PodUse> pod_uses(const std::vector<gpu::Reading>& readings, const PodSight& pods,
                             const OwnerOf& owner_of) {
  std::vector<PodUse> uses;
  if (!pods.is_kubernetes) return uses;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const std::size_t first = uses.size();
    for (DeviceTenant& tenant : tenants_of(readings[i].device, pods.containers)) {
      PodUse use;
      use.reading = i;
      use.pod_namespace = tenant.container->pod_namespace;
      use.pod = tenant.container->pod;
      use.container = tenant.container->container;
      use.replica = std::move(tenant.replica);
      use.given = true;
      uses.push_back(std::move(use));
    }
    for (const gpu::ProcessUse& process : readings[i].processes) {
      const ProcessOwner owner = owner_of(process.pid);
      if (owner.kind != "pod") continue;
      const auto name = pods.names_by_uid.find(owner.name);
      if (name == pods.names_by_uid.end()) continue;
      PodUse& use = entry_of(uses, first, i, name->second);
      ++use.processes;
      if (process.memory_bytes)
        use.memory_used_bytes = use.memory_used_bytes.value_or(0) + *process.memory_bytes;
      if (process.utilization_gpu)
        use.utilization_gpu = std::min(kWhole, use.utilization_gpu.value_or(0) + *process.utilization_gpu);
    }
  }
  return uses;
}

std::vector<std::string> pod_lines(const NodeIdentity& identity, const std::vector<gpu::Reading>& readings,
                                   const std::vector<PodUse>& uses) {
  std::vector<std::string> lines;
  for (const PodUse& use : uses) {
    const gpu::Reading& reading = readings[use.reading];
    metrics::Point point;
    point.measurement = std::string(metrics::kGpuPod);
    point.time_ns = base::to_unix_nanos(reading.at);
    const auto tag = [&](std::string_view key, const std::string& value) {
      if (!value.empty()) point.tags.push_back({std::string(key), value});
    };
    tag(metrics::kTagCluster, identity.cluster);
    tag(metrics::kTagPool, identity.pool);
    tag(metrics::kTagNode, identity.node);
    tag(metrics::kTagGpu, std::to_string(reading.device.index));
    tag(metrics::kTagUuid, reading.device.uuid);
    tag(metrics::kTagNamespace, use.pod_namespace);
    tag(metrics::kTagPod, use.pod);
    tag(metrics::kTagContainer, use.container);
    point.fields.push_back({std::string(metrics::kProcesses), use.processes});
    point.fields.push_back({std::string(metrics::kGiven), use.given});
    if (use.memory_used_bytes)
      point.fields.push_back({std::string(metrics::kMemoryUsedBytes), *use.memory_used_bytes});
    if (use.utilization_gpu)
      point.fields.push_back({std::string(metrics::kUtilizationGpu), *use.utilization_gpu});
    std::string line;
    if (metrics::append_line(line, point)) lines.push_back(std::move(line));
  }
  return lines;
}

ProcessOwner OwnerMemory::find(std::int64_t pid, MonoTime now) {
  const auto found = known_.find(pid);
  if (found != known_.end() && now - found->second.at < kKept) return found->second.owner;
  // Processes that have ended are asked for no more.
  std::erase_if(known_, [&](const auto& entry) { return now - entry.second.at >= 2 * kKept; });
  ProcessOwner owner = owner_of(pid);
  if (known_.size() < kMost) known_[pid] = {owner, now};
  return owner;
}

}  // namespace gpuscale::agent
