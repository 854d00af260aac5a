// SPDX-License-Identifier: Apache-2.0
/// The loaded libnvidia-ml.so.1: each symbol looked up once, by its newest suffix first. A missing symbol
/// answers kFunctionNotFound, never crashes.
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/call_watch.h"
#include "gpu/nvml/abi.h"

namespace gpuscale::gpu::nvml {

/// A function of the library, or its absence. All of NVML's functions return an int.
template <typename... Args>
class Symbol {
 public:
  void bind(void* address, const char* name, CallWatch* watch) {
    call_ = reinterpret_cast<int (*)(Args...)>(address);
    name_ = name;
    watch_ = watch;
  }
  bool present() const { return call_ != nullptr; }
  int operator()(Args... args) const {
    if (call_ == nullptr) return kFunctionNotFound;
    const WatchedCall watched(watch_, name_);
    return call_(args...);
  }

 private:
  int (*call_)(Args...) = nullptr;
  const char* name_ = "";
  CallWatch* watch_ = nullptr;
};

class Library {
 public:
  /// Tries the places of search_paths() in order. Does not initialise NVML. Errors: kUnavailable, naming what
  /// was tried and the loader's reason.
  /// `watch`, where not null, is told of each call and outlives the library.
  static Result<std::unique_ptr<Library>> load(CallWatch* watch = nullptr);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const std::string& path() const { return path_; }
  /// "GPU is lost (15)"; the library's own words where it has them.
  std::string describe(int code) const;

  Symbol<> init;
  Symbol<> shutdown;
  Symbol<std::uint32_t*> device_count;
  Symbol<std::uint32_t, DeviceHandle*> handle_by_index;
  Symbol<DeviceHandle, char*, std::uint32_t> uuid;
  Symbol<DeviceHandle, char*, std::uint32_t> name;
  Symbol<DeviceHandle, Utilization*> utilization_rates;
  Symbol<DeviceHandle, int, std::uint64_t, int*, std::uint32_t*, Sample*> samples;
  Symbol<DeviceHandle, Memory2*> memory_v2;
  Symbol<DeviceHandle, Memory*> memory_v1;
  Symbol<DeviceHandle, std::uint32_t*> power_milliwatts;
  Symbol<DeviceHandle, std::uint32_t*> power_limit_milliwatts;
  Symbol<DeviceHandle, Temperature*> temperature_v;
  Symbol<DeviceHandle, int, std::uint32_t*> temperature;
  Symbol<DeviceHandle, int, std::uint32_t*> clock_mhz;
  Symbol<DeviceHandle, int, std::uint32_t*> max_clock_mhz;
  Symbol<char*, std::uint32_t> driver_version;
  Symbol<DeviceHandle, PciInfo*> pci_info;
  Symbol<DeviceHandle, std::uint32_t*, std::uint32_t*> encoder_utilization;
  Symbol<DeviceHandle, std::uint32_t*, std::uint32_t*> decoder_utilization;
  Symbol<DeviceHandle, std::uint64_t*> energy_millijoules;
  Symbol<DeviceHandle, std::uint64_t*> throttle_reasons;
  Symbol<DeviceHandle, int*> performance_state;
  Symbol<DeviceHandle, std::uint32_t*> pcie_generation;
  Symbol<DeviceHandle, std::uint32_t*> pcie_width;
  Symbol<DeviceHandle, int, FieldValue*> field_values;
  Symbol<DeviceHandle, std::uint32_t*, void*> compute_processes;
  Symbol<DeviceHandle, std::uint32_t*, void*> graphics_processes;
  Symbol<DeviceHandle, std::uint32_t*, void*> mps_processes;
  Symbol<DeviceHandle, ProcessSample*, std::uint32_t*, std::uint64_t> process_utilization;
  Symbol<DeviceHandle, std::uint32_t*, std::uint32_t*> mig_mode;
  Symbol<DeviceHandle, std::uint32_t*> max_mig_devices;
  Symbol<DeviceHandle, std::uint32_t, DeviceHandle*> mig_handle_by_index;
  Symbol<DeviceHandle, std::uint32_t*> gpu_instance_id;
  Symbol<DeviceHandle, std::uint32_t*> compute_instance_id;
  Symbol<void**> event_set_create;
  Symbol<void*> event_set_free;
  Symbol<DeviceHandle, std::uint64_t*> supported_events;
  Symbol<DeviceHandle, std::uint64_t, void*> register_events;
  Symbol<void*, EventData*, std::uint32_t> event_wait;
  Symbol<SystemEventSetRequest*> system_event_set_create;
  Symbol<SystemEventSetRequest*> system_event_set_free;
  Symbol<SystemEventRegistration*> system_register_events;
  Symbol<SystemEventWait*> system_event_wait;
  Symbol<DeviceHandle, GpmSupport*> gpm_support;
  Symbol<GpmSample*> gpm_sample_alloc;
  Symbol<GpmSample> gpm_sample_free;
  Symbol<DeviceHandle, GpmSample> gpm_sample_get;
  Symbol<DeviceHandle, std::uint32_t, GpmSample> gpm_mig_sample_get;
  Symbol<GpmRequest*> gpm_metrics_get;
  /// Bytes of one element of the process lists: the same symbol has had several layouts.
  std::size_t process_bytes = 0;

 private:
  Library(void* image, std::string path, CallWatch* watch)
      : image_(image), path_(std::move(path)), watch_(watch) {}
  void bind_all();
  void bind_process_lists();
  /// To the first of `names` that the library exports.
  template <typename... Args>
  void bind(Symbol<Args...>& symbol, std::initializer_list<const char*> names);

  void* image_;
  std::string path_;
  CallWatch* watch_;
  const char* (*error_string_)(int) = nullptr;
};

/// Where the library is looked for: the file (or folder) named by GPUSCALE_NVML_PATH and nothing else where
/// that is set, else the loader's own search and the places of common distributions, WSL and GPU containers.
std::vector<std::string> search_paths(std::string_view override_path);

}  // namespace gpuscale::gpu::nvml
