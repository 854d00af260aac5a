// SPDX-License-Identifier: Apache-2.0
/// Any bytes as amdgpu's binary table: what is read must be in range.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gpu/amdgpu/gpu_metrics.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale::gpu::amdgpu;
  const auto metrics = parse_gpu_metrics({reinterpret_cast<const char*>(data), size});
  if (!metrics) return 0;
  if (metrics->utilization_gpu.value_or(0) > 100 || metrics->utilization_memory.value_or(0) > 100)
    std::abort();
  if (metrics->activity) {
    const auto mean = mean_activity({0, 0, 0}, *metrics->activity);
    if (mean && (mean->gpu > 100 || mean->memory > 100)) std::abort();
  }
  return 0;
}
