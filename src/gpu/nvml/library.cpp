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

Result<std::unique_ptr<Library>> Library::load(CallWatch* watch) {
  const char* override_path = std::getenv("GPUSCALE_NVML_PATH");
  const std::vector<std::string> paths = search_paths(override_path != nullptr ? override_path : "");
  std::string reason;
  for (const std::string& path : paths) {
    void* image = nullptr;
    {
      const WatchedCall watched(watch, "dlopen");
      image = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    }
    if (image == nullptr) {
      const char* why = ::dlerror();
      if (reason.empty() && why != nullptr) reason = why;
      continue;
    }
    std::unique_ptr<Library> library(new Library(image, path, watch));
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

template <typename... Args>
void Library::bind(Symbol<Args...>& symbol, std::initializer_list<const char*> names) {
  for (const char* symbol_name : names) {
    if (void* address = ::dlsym(image_, symbol_name)) return symbol.bind(address, symbol_name, watch_);
  }
}

// The plain name of a suffixed function is its OLDEST form, so it stands here only where the two take the
// same arguments.
void Library::bind_all() {
  bind(init, {"nvmlInit_v2"});
  bind(shutdown, {"nvmlShutdown"});
  bind(device_count, {"nvmlDeviceGetCount_v2"});
  bind(handle_by_index, {"nvmlDeviceGetHandleByIndex_v2"});
  bind(uuid, {"nvmlDeviceGetUUID"});
  bind(name, {"nvmlDeviceGetName"});
  bind(utilization_rates, {"nvmlDeviceGetUtilizationRates"});
  bind(samples, {"nvmlDeviceGetSamples"});
  bind(memory_v2, {"nvmlDeviceGetMemoryInfo_v2"});
  bind(memory_v1, {"nvmlDeviceGetMemoryInfo"});
  bind(power_milliwatts, {"nvmlDeviceGetPowerUsage"});
  bind(power_limit_milliwatts, {"nvmlDeviceGetEnforcedPowerLimit"});
  bind(temperature_v, {"nvmlDeviceGetTemperatureV"});
  bind(temperature, {"nvmlDeviceGetTemperature"});
  bind(clock_mhz, {"nvmlDeviceGetClockInfo"});
  bind(max_clock_mhz, {"nvmlDeviceGetMaxClockInfo"});
  bind(driver_version, {"nvmlSystemGetDriverVersion"});
  bind(pci_info, {"nvmlDeviceGetPciInfo_v3"});
  bind(encoder_utilization, {"nvmlDeviceGetEncoderUtilization"});
  bind(decoder_utilization, {"nvmlDeviceGetDecoderUtilization"});
  bind(energy_millijoules, {"nvmlDeviceGetTotalEnergyConsumption"});
  bind(throttle_reasons,
       {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"});
  bind(performance_state, {"nvmlDeviceGetPerformanceState"});
  bind(pcie_generation, {"nvmlDeviceGetCurrPcieLinkGeneration"});
  bind(pcie_width, {"nvmlDeviceGetCurrPcieLinkWidth"});
  bind(field_values, {"nvmlDeviceGetFieldValues"});
  bind(process_utilization, {"nvmlDeviceGetProcessUtilization"});
  bind(mig_mode, {"nvmlDeviceGetMigMode"});
  bind(max_mig_devices, {"nvmlDeviceGetMaxMigDeviceCount"});
  bind(mig_handle_by_index, {"nvmlDeviceGetMigDeviceHandleByIndex"});
  bind(gpu_instance_id, {"nvmlDeviceGetGpuInstanceId"});
  bind(compute_instance_id, {"nvmlDeviceGetComputeInstanceId"});
  bind(event_set_create, {"nvmlEventSetCreate"});
  bind(event_set_free, {"nvmlEventSetFree"});
  bind(supported_events, {"nvmlDeviceGetSupportedEventTypes"});
  bind(register_events, {"nvmlDeviceRegisterEvents"});
  bind(event_wait, {"nvmlEventSetWait_v2"});
  bind(system_event_set_create, {"nvmlSystemEventSetCreate"});
  bind(system_event_set_free, {"nvmlSystemEventSetFree"});
  bind(system_register_events, {"nvmlSystemRegisterEvents"});
  bind(system_event_wait, {"nvmlSystemEventSetWait"});
  bind(gpm_support, {"nvmlGpmQueryDeviceSupport"});
  bind(gpm_sample_alloc, {"nvmlGpmSampleAlloc"});
  bind(gpm_sample_free, {"nvmlGpmSampleFree"});
  bind(gpm_sample_get, {"nvmlGpmSampleGet"});
  bind(gpm_mig_sample_get, {"nvmlGpmMigSampleGet"});
  bind(gpm_metrics_get, {"nvmlGpmMetricsGet"});
  bind_process_lists();
  error_string_ = reinterpret_cast<const char* (*)(int)>(::dlsym(image_, "nvmlErrorString"));
}

/// Version 3 had elements of 32 bytes in the drivers that know confidential computing but not yet the
/// detailed list, and of 24 before and after (nvitop's rule); getting it wrong shuffles pids and sizes.
void Library::bind_process_lists() {
  const bool v3 = ::dlsym(image_, "nvmlDeviceGetComputeRunningProcesses_v3") != nullptr;
  const bool v2 = ::dlsym(image_, "nvmlDeviceGetComputeRunningProcesses_v2") != nullptr;
  if (v3) {
    bind(compute_processes, {"nvmlDeviceGetComputeRunningProcesses_v3"});
    bind(graphics_processes, {"nvmlDeviceGetGraphicsRunningProcesses_v3"});
    bind(mps_processes, {"nvmlDeviceGetMPSComputeRunningProcesses_v3"});
    const bool wide = ::dlsym(image_, "nvmlDeviceGetConfComputeMemSizeInfo") != nullptr &&
                      ::dlsym(image_, "nvmlDeviceGetRunningProcessDetailList") == nullptr;
    process_bytes = wide ? kProcessBytesWide : kProcessBytes;
  } else if (v2) {
    bind(compute_processes, {"nvmlDeviceGetComputeRunningProcesses_v2"});
    bind(graphics_processes, {"nvmlDeviceGetGraphicsRunningProcesses_v2"});
    bind(mps_processes, {"nvmlDeviceGetMPSComputeRunningProcesses_v2"});
    process_bytes = kProcessBytes;
  } else {
    bind(compute_processes, {"nvmlDeviceGetComputeRunningProcesses"});
    bind(graphics_processes, {"nvmlDeviceGetGraphicsRunningProcesses"});
    bind(mps_processes, {"nvmlDeviceGetMPSComputeRunningProcesses"});
    process_bytes = kProcessBytesOld;
  }
}

std::string Library::describe(int code) const {
  const char* words = error_string_ != nullptr ? error_string_(code) : nullptr;
  return std::string(words != nullptr ? words : "NVML error") + " (" + std::to_string(code) + ")";
}

}  // namespace gpuscale::gpu::nvml
