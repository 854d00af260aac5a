// SPDX-License-Identifier: Apache-2.0
/// Whether there is an NVIDIA GPU at all, asked of the kernel and not of the driver.
#pragma once
#include <string>

namespace gpuscale::gpu::nvml {

/// A loaded NVIDIA driver or a display controller of NVIDIA's on the PCI bus.
/// @param root where /proc and /sys lie; for tests
bool has_nvidia_device(const std::string& root = "");

}  // namespace gpuscale::gpu::nvml
