// SPDX-License-Identifier: Apache-2.0
/// The memory that the supervisor shares with its sampler process: the newest readings, and a heartbeat of
/// every call into the driver. The two are the same binary, so the layout needs no version. Who may touch the
/// readings is settled by the socket between the two: the sampler writes between a request and its answer,
/// the supervisor reads between the answer and the next request; so no reading is ever half new. The
/// heartbeat alone is read at any time.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "gpu/call_watch.h"
#include "gpu/source.h"

namespace gpuscale::agent {

inline constexpr std::size_t kMaxSharedDevices = 128;  ///< 16 GPUs of 7 slices each, and themselves
inline constexpr std::size_t kMaxSharedProcesses = 64;
inline constexpr std::size_t kMaxSharedXids = 32;
inline constexpr std::size_t kMaxSharedSignals = 64;

/// A Reading without pointers: texts are cut to their arrays and end in a zero.
struct DeviceRecord {
  struct Process {
    std::int64_t pid;
    std::int64_t memory_bytes;  ///< -1: not told
    double utilization;         ///< -1: not told
  };
  struct Xid {
    std::int64_t code;
    std::int64_t count;
    std::int64_t last_ns;
  };
  std::int32_t index;
  std::int32_t state;
  std::int64_t at_ns;
  std::int32_t gpu_instance;  ///< -1: no slice
  std::int32_t compute_instance;
  bool slow_is_fresh;
  std::uint32_t processes_used;
  std::uint32_t xids_used;
  std::uint64_t reals_present;  ///< bit i: reals[i] holds the signal real_signals()[i]
  std::uint64_t wholes_present;
  std::array<char, 96> uuid;
  std::array<char, 96> model;
  std::array<char, 32> pci_bus_id;
  std::array<char, 32> profile;
  std::array<char, 96> parent_uuid;
  std::array<char, 80> driver_version;
  std::array<char, 256> detail;
  std::array<double, kMaxSharedSignals> reals;
  std::array<std::int64_t, kMaxSharedSignals> wholes;
  std::array<Process, kMaxSharedProcesses> processes;
  std::array<Xid, kMaxSharedXids> xids;
};
static_assert(std::is_trivially_copyable_v<DeviceRecord>);

void encode(const gpu::Reading& reading, DeviceRecord& record);
gpu::Reading decode(const DeviceRecord& record);

struct SharedRecord {
  /// CLOCK_MONOTONIC nanoseconds of the newest entry into, or return from, a call.
  std::atomic<std::int64_t> heartbeat_ns;
  std::atomic<const char*> call;  ///< in the sampler's own memory; only whether it is null says anything here
  std::array<std::atomic<char>, 48> call_name;  ///< of the call under way
  std::int32_t error;                           ///< -1: the readings are good; else the Errc of `reason`
  std::array<char, 512> reason;
  std::uint32_t devices_used;
  std::array<DeviceRecord, kMaxSharedDevices> devices;
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free &&
              std::atomic<const char*>::is_always_lock_free);

/// An anonymous file of a SharedRecord's size, mapped. Movable by pointer only.
class SharedMemory {
 public:
  /// Errors: kExhausted.
  static Result<std::unique_ptr<SharedMemory>> create();
  /// Of a descriptor that create() made. Takes it over.
  static Result<std::unique_ptr<SharedMemory>> open(int descriptor);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  int descriptor() const { return descriptor_; }
  SharedRecord& record() { return *record_; }

 private:
  SharedMemory(int descriptor, SharedRecord* record) : descriptor_(descriptor), record_(record) {}
  int descriptor_;
  SharedRecord* record_;
};

/// The sampler's side of the heartbeat.
class SharedHeartbeat final : public gpu::CallWatch {
 public:
  SharedHeartbeat(SharedRecord& record, const Clock& clock) : record_(record), clock_(clock) {}
  void enter(const char* call) override;
  void leave() override;

 private:
  void beat();
  SharedRecord& record_;
  const Clock& clock_;
};

/// The name of the call under way; "" where there is none.
std::string call_under_way(const SharedRecord& record);

/// Puts what a read gave, or its error, into the record.
void publish(SharedRecord& record, const Result<std::vector<gpu::Reading>>& outcome);
/// And takes it out.
Result<std::vector<gpu::Reading>> take(const SharedRecord& record);

}  // namespace gpuscale::agent
