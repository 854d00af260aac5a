// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/event_watch.h"

#include <algorithm>

namespace gpuscale::gpu::nvml {
namespace {

constexpr int kMostEventsAtOnce = 256;  // a storm must not hold up the reading
constexpr std::size_t kMaxCodes = 32;

}  // namespace

void EventWatch::start(const std::vector<std::pair<DeviceHandle, std::string>>& handles_and_uuids) {
  stop();
  if (library_.event_set_create(&set_) != kSuccess) {
    set_ = nullptr;
    return;
  }
  for (const auto& [handle, uuid] : handles_and_uuids) {
    std::uint64_t supported = 0;
    if (library_.supported_events(handle, &supported) != kSuccess) continue;
    const std::uint64_t wanted = supported & (kEventXid | kEventMigChange);
    if (wanted == 0 || library_.register_events(handle, wanted, set_) != kSuccess) continue;
    uuids_[handle] = uuid;
    if ((wanted & kEventXid) != 0) watched_[uuid] = true;
  }
}

void EventWatch::stop() {
  if (set_ != nullptr) library_.event_set_free(set_);
  set_ = nullptr;
  uuids_.clear();
  watched_.clear();
}

bool EventWatch::drain(WallTime now) {
  bool slices_changed = false;
  for (int i = 0; set_ != nullptr && i < kMostEventsAtOnce; ++i) {
    EventData event{};
    if (library_.event_wait(set_, &event, 0) != kSuccess) break;
    slices_changed = slices_changed || event.type == kEventMigChange;
    const auto device = uuids_.find(event.device);
    if (event.type == kEventXid && device != uuids_.end()) {
      count(device->second, static_cast<std::int64_t>(event.data), now);
    }
  }
  return slices_changed;
}

void EventWatch::count(const std::string& uuid, std::int64_t code, WallTime now) {
  last_[uuid] = code;
  std::vector<XidCount>& counts = counts_[uuid];
  auto known =
      std::find_if(counts.begin(), counts.end(), [code](const XidCount& c) { return c.code == code; });
  if (known == counts.end()) {
    if (counts.size() == kMaxCodes) return;
    known = counts.insert(counts.end(), XidCount{code, 0, now});
  }
  ++known->count;
  known->last_at = now;
}

void EventWatch::tell(Reading& reading) const {
  if (!watches(reading.device.uuid)) return;
  reading.xid_total = 0;
  const auto counts = counts_.find(reading.device.uuid);
  if (counts == counts_.end()) return;
  reading.xids = counts->second;
  for (const XidCount& xid : reading.xids) *reading.xid_total += xid.count;
  reading.xid_last = last_.at(reading.device.uuid);
}

}  // namespace gpuscale::gpu::nvml
