// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <utility>

namespace gpuscale::gpu::nvml {
namespace {

constexpr const char* kFileName = "libnvidia-ml.so.1";

/// The first of `names` that the library exports. The plain name of a suffixed function is its OLDEST form,
/// so it stands here only where the two take the same arguments.
void* first_of(void* image, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (void* address = ::dlsym(image, name)) return address;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> search_paths(std::string_view override_path) {
  if (!override_path.empty()) {
    std::error_code ignored;
    const std::filesystem::path path{override_path};
    return {std::filesystem::is_directory(path, ignored) ? (path / kFileName).string() : path.string()};
  }
  std::vector<std::string> paths{kFileName};
  for (const char* folder : {"/usr/lib/x86_64-linux-gnu/", "/usr/lib/aarch64-linux-gnu/", "/usr/lib64/",
                             "/usr/lib/wsl/lib/", "/run/nvidia/driver/usr/lib/x86_64-linux-gnu/",
                             "/run/nvidia/driver/usr/lib64/", "/usr/local/nvidia/lib64/"}) {
    paths.push_back(std::string(folder) + kFileName);
  }
  return paths;
}

Result<std::unique_ptr<Library>> Library::load() {
  const char* override_path = std::getenv("GPUSCALE_NVML_PATH");
  const std::vector<std::string> paths = search_paths(override_path != nullptr ? override_path : "");
  std::string reason;
  for (const std::string& path : paths) {
    void* image = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (image == nullptr) {
      const char* why = ::dlerror();
      if (reason.empty() && why != nullptr) reason = why;
      continue;
    }
    std::unique_ptr<Library> library(new Library(image, path));
    library->bind_all();
    if (library->init.present() && library->device_count.present() && library->handle_by_index.present()) {
      return library;
    }
    reason = path + " lacks nvmlInit_v2, nvmlDeviceGetCount_v2 or nvmlDeviceGetHandleByIndex_v2";
  }
  return fail(Errc::kUnavailable, "no usable NVML: " + reason +
                                      "; install the NVIDIA driver, or set GPUSCALE_NVML_PATH to its " +
                                      kFileName);
}

Library::~Library() {
  ::dlclose(image_);
}

void Library::bind_all() {
  init.bind(first_of(image_, {"nvmlInit_v2"}));
  shutdown.bind(first_of(image_, {"nvmlShutdown"}));
  device_count.bind(first_of(image_, {"nvmlDeviceGetCount_v2"}));
  handle_by_index.bind(first_of(image_, {"nvmlDeviceGetHandleByIndex_v2"}));
  uuid.bind(first_of(image_, {"nvmlDeviceGetUUID"}));
  name.bind(first_of(image_, {"nvmlDeviceGetName"}));
  utilization_rates.bind(first_of(image_, {"nvmlDeviceGetUtilizationRates"}));
  samples.bind(first_of(image_, {"nvmlDeviceGetSamples"}));
  memory_v2.bind(first_of(image_, {"nvmlDeviceGetMemoryInfo_v2"}));
  memory_v1.bind(first_of(image_, {"nvmlDeviceGetMemoryInfo"}));
  power_milliwatts.bind(first_of(image_, {"nvmlDeviceGetPowerUsage"}));
  power_limit_milliwatts.bind(first_of(image_, {"nvmlDeviceGetEnforcedPowerLimit"}));
  temperature_v.bind(first_of(image_, {"nvmlDeviceGetTemperatureV"}));
  temperature.bind(first_of(image_, {"nvmlDeviceGetTemperature"}));
  clock_mhz.bind(first_of(image_, {"nvmlDeviceGetClockInfo"}));
  error_string_ = reinterpret_cast<const char* (*)(int)>(::dlsym(image_, "nvmlErrorString"));
}

std::string Library::describe(int code) const {
  const char* words = error_string_ != nullptr ? error_string_(code) : nullptr;
  return std::string(words != nullptr ? words : "NVML error") + " (" + std::to_string(code) + ")";
}

}  // namespace gpuscale::gpu::nvml
