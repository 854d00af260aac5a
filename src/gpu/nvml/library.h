// SPDX-License-Identifier: Apache-2.0
/// The loaded libnvidia-ml.so.1: each symbol looked up once, by its newest suffix first. A missing symbol
/// answers kFunctionNotFound, never crashes.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/nvml/abi.h"

namespace gpuscale::gpu::nvml {

/// A function of the library, or its absence. All of NVML's functions return an int.
template <typename... Args>
class Symbol {
 public:
  void bind(void* address) { call_ = reinterpret_cast<int (*)(Args...)>(address); }
  bool present() const { return call_ != nullptr; }
  int operator()(Args... args) const { return call_ != nullptr ? call_(args...) : kFunctionNotFound; }

 private:
  int (*call_)(Args...) = nullptr;
};

class Library {
 public:
  /// Tries the places of search_paths() in order. Does not initialise NVML. Errors: kUnavailable, naming what
  /// was tried and the loader's reason.
  static Result<std::unique_ptr<Library>> load();
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

 private:
  Library(void* image, std::string path) : image_(image), path_(std::move(path)) {}
  void bind_all();

  void* image_;
  std::string path_;
  const char* (*error_string_)(int) = nullptr;
};

/// Where the library is looked for: the file (or folder) named by GPUSCALE_NVML_PATH and nothing else where
/// that is set, else the loader's own search and the places of common distributions, WSL and GPU containers.
std::vector<std::string> search_paths(std::string_view override_path);

}  // namespace gpuscale::gpu::nvml
