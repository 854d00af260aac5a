// SPDX-License-Identifier: Apache-2.0
/// Any bytes as what the kernel tells of an open file: no negative memory or time.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gpu/amdgpu/process_scan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto use = gpuscale::gpu::amdgpu::parse_fdinfo({reinterpret_cast<const char*>(data), size});
  if (!use) return 0;
  if (use->pci_bus_id.empty() || use->client < 0) std::abort();
  if (use->vram_bytes.value_or(0) < 0 || use->busy_ns.value_or(0) < 0) std::abort();
  return 0;
}
