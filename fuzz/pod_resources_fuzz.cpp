// SPDX-License-Identifier: Apache-2.0
/// Any bytes as kubelet's answer and as a device plugin's id: must not crash.
#include <cstdint>
#include <string_view>

#include "agent/pod_resources.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  gpu::DeviceIdentity device{.index = 0, .uuid = "GPU-1", .model = "m", .pci_bus_id = "00000000:3B:00.0"};
  device.mig = gpu::MigIdentity{3, 0, "1g.10gb", "GPU-1"};
  std::size_t seen = agent::names_device(agent::read_device_id(bytes), device) ? 1 : 0;
  if (const auto containers = agent::parse_pod_resources(bytes)) {
    seen += agent::tenants_of(device, *containers).size();
  }
  return seen == SIZE_MAX ? 1 : 0;
}
