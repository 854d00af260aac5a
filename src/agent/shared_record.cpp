// SPDX-License-Identifier: Apache-2.0
#include "agent/shared_record.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "gpu/signals.h"

namespace gpuscale::agent {
namespace {

template <std::size_t N>
void put_text(std::array<char, N>& to, std::string_view text) {
  const std::size_t size = std::min(text.size(), N - 1);
  std::copy_n(text.data(), size, to.data());
  to[size] = '\0';
}

template <std::size_t N>
std::string get_text(const std::array<char, N>& from) {
  return {from.data(), ::strnlen(from.data(), N - 1)};
}

template <typename T>
std::uint64_t put_signals(std::span<const gpu::Signal<T>> signals, const gpu::Reading& reading,
                          std::array<T, kMaxSharedSignals>& to) {
  std::uint64_t present = 0;
  for (std::size_t i = 0; i < signals.size() && i < to.size(); ++i) {
    const std::optional<T>& value = reading.*signals[i].value;
    if (!value) continue;
    present |= std::uint64_t{1} << i;
    to[i] = *value;
  }
  return present;
}

template <typename T>
void get_signals(std::span<const gpu::Signal<T>> signals, std::uint64_t present,
                 const std::array<T, kMaxSharedSignals>& from, gpu::Reading& reading) {
  for (std::size_t i = 0; i < signals.size() && i < from.size(); ++i) {
    if ((present >> i & 1U) != 0) reading.*signals[i].value = from[i];
  }
}

}  // namespace

void encode(const gpu::Reading& reading, DeviceRecord& record) {
  record.index = reading.device.index;
  record.state = static_cast<std::int32_t>(reading.state);
  record.at_ns = base::to_unix_nanos(reading.at);
  record.gpu_instance = reading.device.mig ? reading.device.mig->gpu_instance : -1;
  record.compute_instance = reading.device.mig ? reading.device.mig->compute_instance : -1;
  record.slow_is_fresh = reading.slow_is_fresh;
  put_text(record.uuid, reading.device.uuid);
  put_text(record.model, reading.device.model);
  put_text(record.pci_bus_id, reading.device.pci_bus_id);
  put_text(record.profile, reading.device.mig ? reading.device.mig->profile : "");
  put_text(record.parent_uuid, reading.device.mig ? reading.device.mig->parent_uuid : "");
  put_text(record.driver_version, reading.driver_version);
  put_text(record.detail, reading.detail);
  record.reals_present = put_signals(gpu::real_signals(), reading, record.reals);
  record.wholes_present = put_signals(gpu::whole_signals(), reading, record.wholes);
  record.processes_used =
      static_cast<std::uint32_t>(std::min(reading.processes.size(), record.processes.size()));
  for (std::size_t i = 0; i < record.processes_used; ++i) {
    const gpu::ProcessUse& use = reading.processes[i];
    record.processes[i] = {use.pid, use.memory_bytes.value_or(-1), use.utilization_gpu.value_or(-1)};
  }
  record.xids_used = static_cast<std::uint32_t>(std::min(reading.xids.size(), record.xids.size()));
  for (std::size_t i = 0; i < record.xids_used; ++i) {
    const gpu::XidCount& xid = reading.xids[i];
    record.xids[i] = {xid.code, xid.count, base::to_unix_nanos(xid.last_at)};
  }
}

gpu::Reading decode(const DeviceRecord& record) {
  gpu::Reading reading;
  reading.device.index = record.index;
  reading.device.uuid = get_text(record.uuid);
  reading.device.model = get_text(record.model);
  reading.device.pci_bus_id = get_text(record.pci_bus_id);
  if (record.gpu_instance >= 0) {
    reading.device.mig = gpu::MigIdentity{record.gpu_instance, record.compute_instance,
                                          get_text(record.profile), get_text(record.parent_uuid)};
  }
  reading.state = static_cast<gpu::DeviceState>(record.state);
  reading.at = base::from_unix_nanos(record.at_ns);
  reading.slow_is_fresh = record.slow_is_fresh;
  reading.driver_version = get_text(record.driver_version);
  reading.detail = get_text(record.detail);
  get_signals(gpu::real_signals(), record.reals_present, record.reals, reading);
  get_signals(gpu::whole_signals(), record.wholes_present, record.wholes, reading);
  for (std::size_t i = 0; i < std::min<std::size_t>(record.processes_used, record.processes.size()); ++i) {
    const DeviceRecord::Process& use = record.processes[i];
    gpu::ProcessUse process{use.pid, std::nullopt, std::nullopt};
    if (use.memory_bytes >= 0) process.memory_bytes = use.memory_bytes;
    if (use.utilization >= 0) process.utilization_gpu = use.utilization;
    reading.processes.push_back(process);
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(record.xids_used, record.xids.size()); ++i) {
    const DeviceRecord::Xid& xid = record.xids[i];
    reading.xids.push_back({xid.code, xid.count, base::from_unix_nanos(xid.last_ns)});
  }
  return reading;
}

Result<std::unique_ptr<SharedMemory>> SharedMemory::create() {
  const int descriptor = ::memfd_create("gpuscale-sampler", MFD_CLOEXEC);
  if (descriptor < 0 || ::ftruncate(descriptor, sizeof(SharedRecord)) != 0) {
    const std::string why = std::strerror(errno);
    if (descriptor >= 0) ::close(descriptor);
    return fail(Errc::kExhausted, "no shared memory for the sampler process: " + why);
  }
  auto memory = open(descriptor);
  // All of the record is plain numbers, for which the file's zeros are values; this starts their lives.
  if (memory) new (&(*memory)->record()) SharedRecord;
  return memory;
}

Result<std::unique_ptr<SharedMemory>> SharedMemory::open(int descriptor) {
  void* address = ::mmap(nullptr, sizeof(SharedRecord), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED) {
    const std::string why = std::strerror(errno);
    ::close(descriptor);
    return fail(Errc::kExhausted, "cannot map the memory shared with the sampler process: " + why);
  }
  return std::unique_ptr<SharedMemory>(new SharedMemory(descriptor, static_cast<SharedRecord*>(address)));
}

SharedMemory::~SharedMemory() {
  ::munmap(record_, sizeof(SharedRecord));
  ::close(descriptor_);
}

void SharedHeartbeat::beat() {
  record_.heartbeat_ns.store(clock_.mono().time_since_epoch().count(), std::memory_order_release);
}

void SharedHeartbeat::enter(const char* call) {
  std::size_t i = 0;
  for (; call[i] != '\0' && i + 1 < record_.call_name.size(); ++i) {
    record_.call_name[i].store(call[i], std::memory_order_relaxed);
  }
  record_.call_name[i].store('\0', std::memory_order_relaxed);
  record_.call.store(call, std::memory_order_release);
  beat();
}

void SharedHeartbeat::leave() {
  record_.call.store(nullptr, std::memory_order_release);
  beat();
}

std::string call_under_way(const SharedRecord& record) {
  if (record.call.load(std::memory_order_acquire) == nullptr) return "";
  std::string name;
  for (const std::atomic<char>& letter : record.call_name) {
    const char c = letter.load(std::memory_order_relaxed);
    if (c == '\0') break;
    name += c;
  }
  return name;
}

void publish(SharedRecord& record, const Result<std::vector<gpu::Reading>>& outcome) {
  record.devices_used = 0;
  if (!outcome) {
    record.error = static_cast<std::int32_t>(outcome.error().code());
    put_text(record.reason, outcome.error().message());
    return;
  }
  record.error = -1;
  for (const gpu::Reading& reading : *outcome) {
    if (record.devices_used == record.devices.size()) break;
    encode(reading, record.devices[record.devices_used++]);
  }
}

Result<std::vector<gpu::Reading>> take(const SharedRecord& record) {
  if (record.error >= 0) return fail(static_cast<Errc>(record.error), get_text(record.reason));
  std::vector<gpu::Reading> readings;
  for (std::size_t i = 0; i < std::min<std::size_t>(record.devices_used, record.devices.size()); ++i) {
    readings.push_back(decode(record.devices[i]));
  }
  return readings;
}

}  // namespace gpuscale::agent
