// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/binding_watch.h"

#include <array>
#include <utility>

namespace gpuscale::gpu::nvml {

void BindingWatch::start() {
  stop();
  SystemEventSetRequest created{.version = version_word<SystemEventSetRequest>(1), .set = nullptr};
  if (library_.system_event_set_create(&created) != kSuccess) return;
  set_ = created.set;
  SystemEventRegistration wanted{.version = version_word<SystemEventRegistration>(1),
                                 .types = kSystemEventUnbind | kSystemEventBind,
                                 .set = set_};
  if (library_.system_register_events(&wanted) != kSuccess) stop();
}

void BindingWatch::stop() {
  if (set_ == nullptr) return;
  SystemEventSetRequest freed{.version = version_word<SystemEventSetRequest>(1),
                              .set = std::exchange(set_, nullptr)};
  (void)library_.system_event_set_free(&freed);
}

BindingChange BindingWatch::drain() {
  constexpr int kMostRounds = 16;
  BindingChange change = BindingChange::kNone;
  for (int round = 0; set_ != nullptr && round < kMostRounds; ++round) {
    // nvml.h does not say whether the size counts bytes or events: this number is safe as either.
    std::array<SystemEvent, sizeof(SystemEvent)> events{};
    SystemEventWait wait{.version = version_word<SystemEventWait>(1),
                         .timeout_ms = 0,
                         .set = set_,
                         .events = events.data(),
                         .size = static_cast<std::uint32_t>(events.size()),
                         .count = 0};
    if (library_.system_event_wait(&wait) != kSuccess || wait.count == 0) break;
    for (std::size_t i = 0; i < wait.count && i < events.size(); ++i) {
      if (events[i].type == kSystemEventUnbind) change = BindingChange::kLeaves;
      if (events[i].type == kSystemEventBind && change == BindingChange::kNone)
        change = BindingChange::kComes;
    }
  }
  return change;
}

}  // namespace gpuscale::gpu::nvml
