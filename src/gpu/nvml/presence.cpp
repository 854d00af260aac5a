// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/presence.h"

#include <filesystem>
#include <fstream>

namespace gpuscale::gpu::nvml {
namespace {

std::string first_word(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

}  // namespace

bool has_nvidia_device(const std::string& root) {
  // Vendor and class as the PCI ID repository has them; 0x03.... are display controllers, 3D ones included.
  constexpr const char* kVendor = "0x10de";
  constexpr const char* kDisplay = "0x03";
  std::error_code error;
  if (std::filesystem::exists(root + "/proc/driver/nvidia/version", error)) return true;
  std::filesystem::directory_iterator devices(root + "/sys/bus/pci/devices", error);
  if (error) return false;
  for (const auto& device : devices) {
    if (first_word(device.path() / "vendor") == kVendor &&
        first_word(device.path() / "class").starts_with(kDisplay)) {
      return true;
    }
  }
  return false;
}

}  // namespace gpuscale::gpu::nvml
