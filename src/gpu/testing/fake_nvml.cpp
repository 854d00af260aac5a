// SPDX-License-Identifier: Apache-2.0
/// A stand-in for libnvidia-ml.so.1, loaded by dlopen as the real one is. Two GPUs; a test makes calls fail
/// by fake_nvml_set(), found by dlsym in the same image.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "gpu/nvml/abi.h"

namespace {

namespace nvml = gpuscale::gpu::nvml;

struct State {
  std::map<std::string, int> codes;  // "call" or "call/index" -> what it answers
  std::uint64_t clock_us = 0;        // of the newest utilisation sample
  int initialised = 0;
};
State& state() {
  static State held;
  return held;
}

int code_of(const std::string& call, int index) {
  for (const std::string& key : {call + "/" + std::to_string(index), call}) {
    if (const auto found = state().codes.find(key); found != state().codes.end()) return found->second;
  }
  return nvml::kSuccess;
}

// Handles are opaque to the caller: index + 1.
int index_of(nvml::DeviceHandle device) {
  return static_cast<int>(reinterpret_cast<std::uintptr_t>(device)) - 1;
}

template <typename T>
int answer(const char* call, nvml::DeviceHandle device, T* out, T value) {
  const int code = code_of(call, index_of(device));
  if (code == nvml::kSuccess) *out = value;
  return code;
}

int text(const char* call, nvml::DeviceHandle device, char* out, std::uint32_t size, const char* pattern) {
  std::snprintf(out, size, pattern, index_of(device));
  return code_of(call, index_of(device));
}

}  // namespace

extern "C" {

void fake_nvml_reset() {
  state() = State{};
}
void fake_nvml_set(const char* call, int code) {
  if (code == nvml::kSuccess) {
    state().codes.erase(call);
  } else {
    state().codes[call] = code;
  }
}
void fake_nvml_advance(std::uint64_t microseconds) {
  state().clock_us += microseconds;
}
int fake_nvml_initialised() {
  return state().initialised;
}

int nvmlInit_v2() {
  const int code = code_of("init", -1);
  if (code == nvml::kSuccess) ++state().initialised;
  return code;
}
int nvmlShutdown() {
  --state().initialised;
  return nvml::kSuccess;
}
const char* nvmlErrorString(int code) {
  return code == nvml::kGpuIsLost ? "GPU is lost" : "fake error";
}
int nvmlDeviceGetCount_v2(std::uint32_t* count) {
  *count = 2;
  return code_of("count", -1);
}
int nvmlDeviceGetHandleByIndex_v2(std::uint32_t index, nvml::DeviceHandle* device) {
  *device = reinterpret_cast<nvml::DeviceHandle>(static_cast<std::uintptr_t>(index + 1));
  return code_of("handle", static_cast<int>(index));
}
int nvmlDeviceGetUUID(nvml::DeviceHandle device, char* out, std::uint32_t size) {
  return text("uuid", device, out, size, "GPU-%d");
}
int nvmlDeviceGetName(nvml::DeviceHandle device, char* out, std::uint32_t size) {
  return text("name", device, out, size, "Fake GPU %d");
}
int nvmlDeviceGetUtilizationRates(nvml::DeviceHandle device, nvml::Utilization* out) {
  return answer("rates", device, out, nvml::Utilization{40, 20});
}
/// A sample each 100 ms up to the fake's clock: 50, 60, 70 ... percent.
int nvmlDeviceGetSamples(nvml::DeviceHandle device, int, std::uint64_t since, int* type, std::uint32_t* count,
                         nvml::Sample* out) {
  const int code = code_of("samples", index_of(device));
  if (code != nvml::kSuccess) return code;
  *type = 1;
  std::uint32_t found = 0;
  for (std::uint64_t at = 100'000; at <= state().clock_us; at += 100'000) {
    if (at <= since) continue;
    if (out != nullptr && found < *count) {
      out[found].time_us = at;
      out[found].value.as_uint = 50 + static_cast<std::uint32_t>(at / 100'000 % 5) * 10;
    }
    ++found;
  }
  *count = found;
  return found == 0 ? nvml::kNotFound : nvml::kSuccess;
}
int nvmlDeviceGetMemoryInfo_v2(nvml::DeviceHandle device, nvml::Memory2* out) {
  if (out->version != nvml::version_word<nvml::Memory2>(2)) return nvml::kArgumentVersionMismatch;
  return answer("memory2", device, out, nvml::Memory2{out->version, 1'000, 100, 600, 300});
}
int nvmlDeviceGetMemoryInfo(nvml::DeviceHandle device, nvml::Memory* out) {
  return answer("memory1", device, out, nvml::Memory{1'000, 600, 400});
}
int nvmlDeviceGetPowerUsage(nvml::DeviceHandle device, std::uint32_t* out) {
  return answer("power", device, out, std::uint32_t{312'500});
}
int nvmlDeviceGetEnforcedPowerLimit(nvml::DeviceHandle device, std::uint32_t* out) {
  return answer("limit", device, out, std::uint32_t{700'000});
}
int nvmlDeviceGetTemperature(nvml::DeviceHandle device, int, std::uint32_t* out) {
  return answer("temperature", device, out, std::uint32_t{61});
}
int nvmlDeviceGetClockInfo(nvml::DeviceHandle device, int type, std::uint32_t* out) {
  return answer("clock", device, out, type == nvml::kClockSm ? std::uint32_t{1'980} : std::uint32_t{2'619});
}

}  // extern "C"
