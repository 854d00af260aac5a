// SPDX-License-Identifier: Apache-2.0
/// NVML's binary interface as far as it is used here: own declarations, so that no NVIDIA header is needed to
/// build and no library to start. Layouts are those of nvml.h 13.3 on LP64 (x86-64, aarch64), natural
/// alignment.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gpuscale::gpu::nvml {

/// nvmlReturn_t, those that call for a reaction.
enum Code : int {
  kSuccess = 0,
  kUninitialized = 1,
  kInvalidArgument = 2,
  kNotSupported = 3,
  kNoPermission = 4,
  kNotFound = 6,
  kInsufficientSize = 7,
  kInsufficientPower = 8,
  kDriverNotLoaded = 9,
  kTimeout = 10,
  kIrqIssue = 11,
  kLibraryNotFound = 12,
  kFunctionNotFound = 13,
  kCorruptedInforom = 14,
  kGpuIsLost = 15,
  kResetRequired = 16,
  kOperatingSystem = 17,
  kLibRmVersionMismatch = 18,
  kNoData = 21,
  kArgumentVersionMismatch = 25,
  kDeprecated = 26,
  kNotReady = 27,
  kGpuNotFound = 28,
  kUnknown = 999,
};

struct DeviceHandleTag;
using DeviceHandle = DeviceHandleTag*;  // opaque

struct Utilization {
  std::uint32_t gpu;
  std::uint32_t memory;
};
static_assert(sizeof(Utilization) == 8);

/// v1: `used` includes what the driver reserves.
struct Memory {
  std::uint64_t total;
  std::uint64_t free_bytes;
  std::uint64_t used;
};
static_assert(sizeof(Memory) == 24);

/// v2: `used` excludes `reserved`; total = free + used + reserved.
struct Memory2 {
  std::uint32_t version;
  std::uint64_t total;
  std::uint64_t reserved;
  std::uint64_t free_bytes;
  std::uint64_t used;
};
static_assert(sizeof(Memory2) == 40 && offsetof(Memory2, total) == 8 && offsetof(Memory2, used) == 32);

/// The type of a Value is told by a number of its own (nvmlValueType_t).
union Value {
  double as_double;
  std::int32_t as_int;
  std::uint32_t as_uint;
  std::uint64_t as_ull;
  std::int64_t as_ll;
  std::uint16_t as_ushort;
};
static_assert(sizeof(Value) == 8);

struct Sample {
  std::uint64_t time_us;  ///< of the CPU's clock, since 1970
  Value value;
};
static_assert(sizeof(Sample) == 16 && offsetof(Sample, value) == 8);

struct Temperature {
  std::uint32_t version;
  std::int32_t sensor;
  std::int32_t celsius;
};
static_assert(sizeof(Temperature) == 12 && offsetof(Temperature, celsius) == 8);

struct PciInfo {
  char legacy_bus_id[16];
  std::uint32_t domain;
  std::uint32_t bus;
  std::uint32_t device;
  std::uint32_t pci_device_id;
  std::uint32_t pci_subsystem_id;
  char bus_id[32];
};
static_assert(sizeof(PciInfo) == 68 && offsetof(PciInfo, bus_id) == 36);

/// nvmlFieldValue_t: one of many values asked for in one call.
struct FieldValue {
  std::uint32_t field;
  std::uint32_t scope;
  std::int64_t time_us;
  std::int64_t latency_us;
  std::int32_t value_type;
  std::int32_t code;
  Value value;
};
static_assert(sizeof(FieldValue) == 40 && offsetof(FieldValue, value) == 32);

/// The three layouts of a process list's element; pid and memory lie alike in all.
inline constexpr std::size_t kProcessBytesOld = 16;
inline constexpr std::size_t kProcessBytes = 24;
inline constexpr std::size_t kProcessBytesWide = 32;
struct ProcessHead {
  std::uint32_t pid;
  std::uint64_t memory;
};
static_assert(sizeof(ProcessHead) == kProcessBytesOld && offsetof(ProcessHead, memory) == 8);

struct ProcessSample {
  std::uint32_t pid;
  std::uint64_t time_us;
  std::uint32_t sm;
  std::uint32_t memory;
  std::uint32_t encoder;
  std::uint32_t decoder;
};
static_assert(sizeof(ProcessSample) == 32 && offsetof(ProcessSample, sm) == 16);

struct EventData {
  DeviceHandle device;
  std::uint64_t type;
  std::uint64_t data;
  std::uint32_t gpu_instance;
  std::uint32_t compute_instance;
};
static_assert(sizeof(EventData) == 32);
inline constexpr std::uint64_t kEventXid = 0x8;
inline constexpr std::uint64_t kEventMigChange = 0x100;

/// Devices that come to the driver and leave it. Drivers from R575; layouts of nvml.h 12.9.
struct SystemEventSetTag;
using SystemEventSet = SystemEventSetTag*;  // opaque
struct SystemEventSetRequest {              // of creating and of freeing one
  std::uint32_t version;
  SystemEventSet set;
};
struct SystemEventRegistration {
  std::uint32_t version;
  std::uint64_t types;
  SystemEventSet set;
};
struct SystemEvent {
  std::uint64_t type;
  std::uint32_t gpu_id;
};
struct SystemEventWait {
  std::uint32_t version;
  std::uint32_t timeout_ms;
  SystemEventSet set;
  SystemEvent* events;
  std::uint32_t size;
  std::uint32_t count;  ///< out
};
static_assert(sizeof(SystemEventSetRequest) == 0x10 && sizeof(SystemEventRegistration) == 0x18 &&
              sizeof(SystemEvent) == 0x10 && sizeof(SystemEventWait) == 0x20);
inline constexpr std::uint64_t kSystemEventUnbind = 0x1;
inline constexpr std::uint64_t kSystemEventBind = 0x2;

struct GpmSampleTag;
using GpmSample = GpmSampleTag*;  // opaque
struct GpmMetric {
  std::uint32_t id;
  std::int32_t code;
  double value;
  const char* short_name;
  const char* long_name;
  const char* unit;
};
static_assert(sizeof(GpmMetric) == 40 && offsetof(GpmMetric, value) == 8);
/// The header's bound on the array has grown with drivers while the version stayed 1; the library goes by
/// `count`, and ours is as large as the largest bound so far.
struct GpmRequest {
  std::uint32_t version;
  std::uint32_t count;
  GpmSample first;
  GpmSample second;
  GpmMetric metrics[333];
};
static_assert(offsetof(GpmRequest, metrics) == 24 && sizeof(GpmRequest) == 24 + 333 * 40);
struct GpmSupport {
  std::uint32_t version;
  std::uint32_t supported;
};
inline constexpr std::uint32_t kGpmVersion = 1;

/// The version word of a versioned struct: its size and its version, as NVML_STRUCT_VERSION makes it.
template <typename Struct>
constexpr std::uint32_t version_word(std::uint32_t version) {
  return static_cast<std::uint32_t>(sizeof(Struct)) | (version << 24U);
}
static_assert(version_word<Memory2>(2) == 0x02000028U && version_word<Temperature>(1) == 0x0100000CU);

inline constexpr std::size_t kTextBytes = 96;     ///< uuid and name buffers (v2 sizes)
inline constexpr int kSamplesGpuUtilization = 1;  ///< nvmlSamplingType_t
inline constexpr int kSensorGpu = 0;              ///< nvmlTemperatureSensors_t
inline constexpr int kClockSm = 1;                ///< nvmlClockType_t
inline constexpr int kClockMemory = 2;
inline constexpr std::uint32_t kNoValue32 = 0xFFFF'FFFFU;       ///< NVML's "not available" in 32 bits
inline constexpr std::uint64_t kNoValue64 = ~std::uint64_t{0};  ///< and in 64

}  // namespace gpuscale::gpu::nvml
