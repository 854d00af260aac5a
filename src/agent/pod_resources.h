// SPDX-License-Identifier: Apache-2.0
/// Which containers kubelet has given which devices: the answer of its pod-resources service, and the forms
/// in which device plugins name a device. Source: k8s.io/kubelet/pkg/apis/podresources/v1/api.proto; the id
/// forms of NVIDIA's, GKE's, EKS' and AMD's plugins as dcgm-exporter reads them.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/source.h"

namespace gpuscale::agent {

/// A container that holds devices.
struct PodContainer {
  std::string pod_namespace;
  std::string pod;
  std::string container;
  std::vector<std::string> device_ids;  ///< as the device plugin names them
};

inline constexpr std::size_t kMaxPodContainers = 4096;

/// Of a ListPodResourcesResponse without its gRPC frame; containers without devices are left out. Errors:
/// kInvalidArgument naming the byte at which it is no such message; kExhausted over kMaxPodContainers. Pure.
Result<std::vector<PodContainer>> parse_pod_resources(std::string_view message);

/// What a plugin's device id says.
struct PodDeviceId {
  std::string uuid;                 ///< "GPU-..", "MIG-..", a PCI bus id, or "" where it goes by index
  std::optional<int> index;         ///< of "nvidia0"
  std::optional<int> gpu_instance;  ///< of ".../gi3" and "MIG-GPU-<uuid>/3/0"
  std::string replica;              ///< of a device that is shared by time: "3" of "::3", "1" of "/vgpu1"
};

/// Pure.
PodDeviceId read_device_id(std::string_view id);
/// Whether the id names this device: the GPU itself, or the very slice. Pure.
bool names_device(const PodDeviceId& id, const gpu::DeviceIdentity& device);

/// A container on one device, with its replica there.
struct DeviceTenant {
  const PodContainer* container = nullptr;
  std::string replica;
};
/// Those whom a device was given to, in the order of `containers`. Pure; points into `containers`.
std::vector<DeviceTenant> tenants_of(const gpu::DeviceIdentity& device,
                                     const std::vector<PodContainer>& containers);

}  // namespace gpuscale::agent
