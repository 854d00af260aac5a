// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/process_reader.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "gpu/nvml/values.h"

namespace gpuscale::gpu::nvml {
namespace {

constexpr std::uint32_t kUsualProcesses = 32;
constexpr std::uint32_t kMaxProcesses = 4096;

using ProcessList = Symbol<DeviceHandle, std::uint32_t*, void*>;

void add_list(const Library& library, const ProcessList& list, DeviceHandle handle, Call call, CallGate& gate,
              std::map<std::int64_t, ProcessUse>& into) {
  if (!gate.asks(call)) return;
  std::uint32_t room = kUsualProcesses;
  std::vector<unsigned char> bytes;
  std::uint32_t found = 0;
  int code = kInsufficientSize;
  // Processes may start between two calls: room for twice as many, and not for ever.
  for (int attempt = 0; attempt < 3 && code == kInsufficientSize; ++attempt) {
    bytes.assign(room * library.process_bytes, 0);
    found = room;
    code = list(handle, &found, bytes.data());
    room = std::min(std::max(room, found) * 2 + 5, kMaxProcesses);
  }
  if (!gate.usable(call, code)) return;
  for (std::size_t at = 0; found > 0 && at + library.process_bytes <= bytes.size();
       at += library.process_bytes, --found) {
    ProcessHead head{};
    std::memcpy(&head, bytes.data() + at, sizeof head);
    if (head.pid == 0) continue;
    ProcessUse& use = into[head.pid];
    use.pid = head.pid;
    if (const auto memory = count(head.memory))
      use.memory_bytes = std::max(use.memory_bytes.value_or(0), *memory);
  }
}

}  // namespace

std::vector<ProcessUse> ProcessReader::read(const Library& library, DeviceHandle handle, CallGate& gate,
                                            bool with_utilization) {
  std::map<std::int64_t, ProcessUse> by_pid;
  add_list(library, library.compute_processes, handle, Call::kComputeProcesses, gate, by_pid);
  add_list(library, library.graphics_processes, handle, Call::kGraphicsProcesses, gate, by_pid);
  add_list(library, library.mps_processes, handle, Call::kMpsProcesses, gate, by_pid);
  if (with_utilization && !by_pid.empty() && gate.asks(Call::kProcessUtilization)) {
    std::vector<ProcessSample> samples(kMaxProcesses / 16);
    auto found = static_cast<std::uint32_t>(samples.size());
    const int code = library.process_utilization(handle, samples.data(), &found, seen_us_);
    if (gate.usable(Call::kProcessUtilization, code)) {
      const std::uint64_t since = seen_us_;
      std::map<std::int64_t, std::pair<double, int>> sums;
      samples.resize(std::min<std::size_t>(found, samples.size()));
      for (const ProcessSample& sample : samples) {
        seen_us_ = std::max(seen_us_, sample.time_us);
        // The driver also hands out entries of the past, and percentages that are none.
        const auto value = percent(std::uint64_t{sample.sm});
        if (sample.time_us <= since || !value) continue;
        auto& [sum, samples_of_pid] = sums[sample.pid];
        sum += *value;
        ++samples_of_pid;
      }
      for (const auto& [pid, sum] : sums) {
        if (const auto use = by_pid.find(pid); use != by_pid.end()) {
          use->second.utilization_gpu = sum.first / sum.second;
        }
      }
    }
  }
  std::vector<ProcessUse> processes;
  for (const auto& [pid, use] : by_pid) processes.push_back(use);
  std::stable_sort(processes.begin(), processes.end(), [](const ProcessUse& a, const ProcessUse& b) {
    return a.memory_bytes.value_or(0) > b.memory_bytes.value_or(0);
  });
  return processes;
}

}  // namespace gpuscale::gpu::nvml
