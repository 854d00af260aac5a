// SPDX-License-Identifier: Apache-2.0
/// A stand-in for libnvidia-ml.so.1, loaded by dlopen as the real one is. A test in the same process makes
/// calls fail by fake_nvml_set(), found by dlsym; one in another process by the file named in
/// FAKE_NVML_SCRIPT, read before each call, with lines of "call code", "call hang" or "call crash", and
/// "devices N"; FAKE_NVML_DEVICES=N alone makes it N devices that are well. Time is the fake's own
/// (fake_nvml_advance), or the machine's where there is one of the two. "call slow" answers after a second.
///
/// It is built three times: as a driver of today; with FAKE_NVML_R450 as one of the year 2020, whose newer
/// functions are missing (renamed by the build) and whose processes have 16 bytes; and with
/// FAKE_NVML_WIDE_PROCESSES as the builds of R530 whose processes of version 3 have 32.
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <string>
#include <utility>

#include "gpu/nvml/abi.h"

namespace {

namespace nvml = gpuscale::gpu::nvml;

constexpr int kHang = -1;
constexpr int kCrash = -2;
constexpr int kSlow = -3;
constexpr unsigned kSlowSeconds = 1;
constexpr int kFirstSlice = 1000;  // handles of MIG slices: 1000 + 10 * GPU + slot, + 1

struct State {
  std::map<std::string, int> codes;  // "call" or "call/index" -> what it answers
  std::uint64_t clock_us = 0;        // of the newest utilisation sample
  int initialised = 0;
  int devices = 2;
  int slices = 0;       // of GPU 0; > 0 turns MIG mode on
  int gpm_samples = 0;  // allocated and not freed
  std::deque<nvml::EventData> events;
  std::deque<nvml::SystemEvent> system_events;
  int system_event_sets = 0;  // created and not freed
};
State& state() {
  static State held;
  return held;
}

/// Read anew before each call; a missing or unchanged file costs one stat.
void follow_script() {
  static const char* const path = std::getenv("FAKE_NVML_SCRIPT");
  static const char* const devices = std::getenv("FAKE_NVML_DEVICES");
  if (devices != nullptr) state().devices = std::atoi(devices);
  if (path == nullptr && devices == nullptr) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  state().clock_us =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  if (path == nullptr) return;
  std::ifstream file(path);
  state().codes.clear();
  std::string call;
  std::string word;
  while (file >> call >> word) {
    const int code = word == "hang"    ? kHang
                     : word == "crash" ? kCrash
                     : word == "slow"  ? kSlow
                                       : std::atoi(word.c_str());
    if (call == "devices") {
      state().devices = code;
    } else {
      state().codes[call] = code;
    }
  }
}

int code_of(const std::string& call, int index) {
  follow_script();
  for (const std::string& key : {call + "/" + std::to_string(index), call}) {
    const auto found = state().codes.find(key);
    if (found == state().codes.end()) continue;
    while (found->second == kHang) ::pause();
    if (found->second == kCrash) std::abort();
    if (found->second == kSlow) {
      ::sleep(kSlowSeconds);
      return nvml::kSuccess;
    }
    return found->second;
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
void fake_nvml_devices(int count) {
  state().devices = count;
}
void fake_nvml_slices(int count) {
  state().slices = count;
  state().events.push_back({nullptr, nvml::kEventMigChange, 0, 0, 0});
}
void fake_nvml_xid(int index, std::uint64_t code) {
  state().events.push_back({reinterpret_cast<nvml::DeviceHandle>(static_cast<std::uintptr_t>(index + 1)),
                            nvml::kEventXid, code, 0, 0});
}
void fake_nvml_binding(std::uint64_t type, std::uint32_t gpu) {
  state().system_events.push_back({type, gpu});
}
int fake_nvml_system_event_sets() {
  return state().system_event_sets;
}
int fake_nvml_gpm_samples() {
  return state().gpm_samples;
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
  const int code = code_of("count", -1);
  *count = static_cast<std::uint32_t>(state().devices);
  return code;
}
int nvmlDeviceGetHandleByIndex_v2(std::uint32_t index, nvml::DeviceHandle* device) {
  *device = reinterpret_cast<nvml::DeviceHandle>(static_cast<std::uintptr_t>(index + 1));
  return code_of("handle", static_cast<int>(index));
}
int nvmlDeviceGetUUID(nvml::DeviceHandle device, char* out, std::uint32_t size) {
  return text("uuid", device, out, size, index_of(device) >= kFirstSlice ? "MIG-%d" : "GPU-%d");
}
int nvmlDeviceGetName(nvml::DeviceHandle device, char* out, std::uint32_t size) {
  return text("name", device, out, size,
              index_of(device) >= kFirstSlice ? "Fake GPU %d MIG 1g.10gb" : "Fake GPU %d");
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
  constexpr std::uint64_t kRing = 72 * 100'000ULL;
  const std::uint64_t oldest = state().clock_us > kRing ? state().clock_us - kRing : 0;
  for (std::uint64_t at = oldest / 100'000 * 100'000 + 100'000; at <= state().clock_us; at += 100'000) {
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
int nvmlDeviceGetMaxClockInfo(nvml::DeviceHandle device, int, std::uint32_t* out) {
  return answer("max_clock", device, out, std::uint32_t{1'980});
}
int nvmlSystemGetDriverVersion(char* out, std::uint32_t size) {
  std::snprintf(out, size, "570.86.15");
  return code_of("driver_version", -1);
}
int nvmlDeviceGetPciInfo_v3(nvml::DeviceHandle device, nvml::PciInfo* out) {
  std::snprintf(out->bus_id, sizeof out->bus_id, "00000000:%02X:00.0", index_of(device) + 1);
  return code_of("pci", index_of(device));
}
int nvmlDeviceGetEncoderUtilization(nvml::DeviceHandle device, std::uint32_t* busy, std::uint32_t* period) {
  *period = 100'000;
  return answer("encoder", device, busy, std::uint32_t{3});
}
int nvmlDeviceGetDecoderUtilization(nvml::DeviceHandle device, std::uint32_t* busy, std::uint32_t* period) {
  *period = 100'000;
  return answer("decoder", device, busy, std::uint32_t{4});
}
/// 312.5 W all the time.
int nvmlDeviceGetTotalEnergyConsumption(nvml::DeviceHandle device, std::uint64_t* out) {
  const int code = code_of("energy", index_of(device));
  if (code == nvml::kSuccess) *out = state().clock_us / 1000 * 3125 / 10;
  return code;
}
int nvmlDeviceGetCurrentClocksEventReasons(nvml::DeviceHandle device, std::uint64_t* out) {
  return answer("reasons", device, out, std::uint64_t{4});
}
int nvmlDeviceGetPerformanceState(nvml::DeviceHandle device, int* out) {
  return answer("pstate", device, out, 0);
}
int nvmlDeviceGetCurrPcieLinkGeneration(nvml::DeviceHandle device, std::uint32_t* out) {
  return answer("generation", device, out, std::uint32_t{5});
}
int nvmlDeviceGetCurrPcieLinkWidth(nvml::DeviceHandle device, std::uint32_t* out) {
  return answer("width", device, out, std::uint32_t{16});
}
/// Fields as a Hopper with ECC off has them: ECC is not filled in, one count is a sentinel, one is unknown.
int nvmlDeviceGetFieldValues(nvml::DeviceHandle device, int count, nvml::FieldValue* fields) {
  const int code = code_of("fields", index_of(device));
  if (code != nvml::kSuccess) return code;
  for (int i = 0; i < count; ++i) {
    nvml::FieldValue& field = fields[i];
    field.code = nvml::kSuccess;
    field.value_type = 3;
    field.time_us = static_cast<std::int64_t>(state().clock_us) + 1;
    field.latency_us = 1;
    switch (field.field) {
      case 3:
      case 4:
        field.time_us = field.latency_us = 0;
        field.value.as_ull = 77;
        break;
      case 5:
        field.value.as_ull = nvml::kNoValue64;
        break;
      case 82:
        field.value_type = 0;  // as R545 mislabels it
        field.value.as_ull = 55;
        break;
      case 138:
      case 139:
        field.value.as_ull = state().clock_us / 1000;  // a KiB each millisecond
        break;
      case 143:
        field.value.as_ull = 2;
        break;
      case 186:
        field.value_type = 1;
        field.value.as_uint = 312'500;
        break;
      case 197:
      case 198:
        field.code = nvml::kNotSupported;
        break;
      default:
        field.value.as_ull = field.field;
    }
  }
  return code;
}
#if defined(FAKE_NVML_R450)
constexpr std::size_t kListedBytes = nvml::kProcessBytesOld;
#define FAKE_NVML_PROCESS_LIST nvmlDeviceGetComputeRunningProcesses
#elif defined(FAKE_NVML_WIDE_PROCESSES)
constexpr std::size_t kListedBytes = nvml::kProcessBytesWide;
#define FAKE_NVML_PROCESS_LIST nvmlDeviceGetComputeRunningProcesses_v3
/// Its presence, without a detail list, is what tells the wide layout.
int nvmlDeviceGetConfComputeMemSizeInfo(nvml::DeviceHandle, void*) {
  return nvml::kNotSupported;
}
#else
constexpr std::size_t kListedBytes = nvml::kProcessBytes;
#define FAKE_NVML_PROCESS_LIST nvmlDeviceGetComputeRunningProcesses_v3
#endif
/// pids 100 and 200.
int FAKE_NVML_PROCESS_LIST(nvml::DeviceHandle device, std::uint32_t* count, void* out) {
  const int code = code_of("processes", index_of(device));
  if (code != nvml::kSuccess) return code;
  const std::uint32_t room = *count;
  *count = 2;
  if (room < 2) return nvml::kInsufficientSize;
  auto* bytes = static_cast<unsigned char*>(out);
  const std::array<nvml::ProcessHead, 2> processes{{{100, 1'000}, {200, nvml::kNoValue64}}};
  for (const nvml::ProcessHead& process : processes) {
    std::memcpy(bytes, &process, sizeof process);
    bytes += kListedBytes;
  }
  return code;
}
int nvmlDeviceGetProcessUtilization(nvml::DeviceHandle device, nvml::ProcessSample* out, std::uint32_t* count,
                                    std::uint64_t) {
  const int code = code_of("process_utilization", index_of(device));
  if (code != nvml::kSuccess) return code;
  *count = 2;
  out[0] = {100, state().clock_us, 30, 0, 0, 0};
  out[1] = {100, state().clock_us, 4'000'000, 0, 0, 0};
  return code;
}
int nvmlDeviceGetMigMode(nvml::DeviceHandle device, std::uint32_t* current, std::uint32_t* pending) {
  *current = *pending = index_of(device) == 0 && state().slices > 0 ? 1 : 0;
  return code_of("mig", index_of(device));
}
int nvmlDeviceGetMaxMigDeviceCount(nvml::DeviceHandle, std::uint32_t* out) {
  *out = 7;
  return nvml::kSuccess;
}
/// The first slot is empty, as it may be.
int nvmlDeviceGetMigDeviceHandleByIndex(nvml::DeviceHandle device, std::uint32_t slot,
                                        nvml::DeviceHandle* out) {
  if (slot == 0 || static_cast<int>(slot) > state().slices) return nvml::kNotFound;
  *out = reinterpret_cast<nvml::DeviceHandle>(
      static_cast<std::uintptr_t>(kFirstSlice + 10 * index_of(device) + static_cast<int>(slot) + 1));
  return nvml::kSuccess;
}
int nvmlDeviceGetGpuInstanceId(nvml::DeviceHandle device, std::uint32_t* out) {
  *out = static_cast<std::uint32_t>(index_of(device) % 10 + 6);
  return nvml::kSuccess;
}
int nvmlDeviceGetComputeInstanceId(nvml::DeviceHandle, std::uint32_t* out) {
  *out = 0;
  return nvml::kSuccess;
}
int nvmlEventSetCreate(void** set) {
  *set = &state();
  return code_of("events", -1);
}
int nvmlEventSetFree(void*) {
  return nvml::kSuccess;
}
int nvmlDeviceGetSupportedEventTypes(nvml::DeviceHandle, std::uint64_t* out) {
  *out = nvml::kEventXid | nvml::kEventMigChange;
  return nvml::kSuccess;
}
int nvmlDeviceRegisterEvents(nvml::DeviceHandle, std::uint64_t, void*) {
  return nvml::kSuccess;
}
int nvmlEventSetWait_v2(void*, nvml::EventData* out, std::uint32_t) {
  const int code = code_of("wait", -1);
  if (code != nvml::kSuccess) return code;
  if (state().events.empty()) return nvml::kTimeout;
  *out = state().events.front();
  state().events.pop_front();
  return nvml::kSuccess;
}
int nvmlSystemEventSetCreate(nvml::SystemEventSetRequest* request) {
  if (request->version != nvml::version_word<nvml::SystemEventSetRequest>(1))
    return nvml::kArgumentVersionMismatch;
  const int code = code_of("system_events", -1);
  if (code != nvml::kSuccess) return code;
  ++state().system_event_sets;
  request->set = reinterpret_cast<nvml::SystemEventSet>(&state());
  return code;
}
int nvmlSystemEventSetFree(nvml::SystemEventSetRequest*) {
  --state().system_event_sets;
  return nvml::kSuccess;
}
int nvmlSystemRegisterEvents(nvml::SystemEventRegistration* request) {
  return request->version == nvml::version_word<nvml::SystemEventRegistration>(1)
             ? nvml::kSuccess
             : nvml::kArgumentVersionMismatch;
}
/// The script "unbind 1" reports a device that leaves, once in a process.
int nvmlSystemEventSetWait(nvml::SystemEventWait* request) {
  if (request->version != nvml::version_word<nvml::SystemEventWait>(1)) return nvml::kArgumentVersionMismatch;
  static bool reported = false;
  if (code_of("unbind", -1) == 1 && !std::exchange(reported, true))
    fake_nvml_binding(nvml::kSystemEventUnbind, 0);
  request->count = 0;
  while (!state().system_events.empty() && request->count < request->size) {
    request->events[request->count++] = state().system_events.front();
    state().system_events.pop_front();
  }
  return request->count > 0 ? nvml::kSuccess : nvml::kTimeout;
}
int nvmlGpmQueryDeviceSupport(nvml::DeviceHandle device, nvml::GpmSupport* out) {
  out->supported = 1;
  return code_of("gpm", index_of(device));
}
int nvmlGpmSampleAlloc(nvml::GpmSample* out) {
  ++state().gpm_samples;
  *out = reinterpret_cast<nvml::GpmSample>(new std::uint64_t{0});
  return nvml::kSuccess;
}
int nvmlGpmSampleFree(nvml::GpmSample sample) {
  --state().gpm_samples;
  delete reinterpret_cast<std::uint64_t*>(sample);
  return nvml::kSuccess;
}
int nvmlGpmSampleGet(nvml::DeviceHandle device, nvml::GpmSample sample) {
  const int code = code_of("gpm_sample", index_of(device));
  *reinterpret_cast<std::uint64_t*>(sample) = state().clock_us;
  return code;
}
int nvmlGpmMigSampleGet(nvml::DeviceHandle device, std::uint32_t, nvml::GpmSample sample) {
  return nvmlGpmSampleGet(device, sample);
}
/// Percent: the metric's number times ten; SM occupancy is not a number; the order of the samples must be
/// right.
int nvmlGpmMetricsGet(nvml::GpmRequest* request) {
  if (request->version != nvml::kGpmVersion) return nvml::kArgumentVersionMismatch;
  if (*reinterpret_cast<std::uint64_t*>(request->first) >=
      *reinterpret_cast<std::uint64_t*>(request->second)) {
    return nvml::kInvalidArgument;
  }
  for (std::uint32_t i = 0; i < request->count; ++i) {
    nvml::GpmMetric& metric = request->metrics[i];
    metric.code = metric.id == 11 ? nvml::kNotSupported : nvml::kSuccess;
    metric.value = metric.id == 3 ? std::strtod("nan", nullptr) : metric.id <= 10 ? metric.id * 10.0 : 1.5;
  }
  return code_of("gpm_metrics", -1);
}

}  // extern "C"
