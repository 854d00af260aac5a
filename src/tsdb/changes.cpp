// SPDX-License-Identifier: Apache-2.0
#include "tsdb/changes.h"

#include <algorithm>

namespace gpuscale::tsdb {

void Changes::note(const SegmentOwner& owner, std::int64_t time_ns) {
  const std::int64_t slot = slot_of(time_ns);
  if (last_version_ == version_ && last_slot_ == slot && last_owner_ == owner) return;
  if (slots_of_last_ == nullptr || last_owner_ != owner) slots_of_last_ = &owners_[owner];
  last_version_ = version_;
  last_slot_ = slot;
  last_owner_ = owner;
  Slots& slots = *slots_of_last_;
  if (slot < slots.forgotten_before) {
    slots.forgotten = version_;
    return;
  }
  const auto noted = slots.versions.try_emplace(slots.next, slot);
  noted->second = version_;
  slots.next = std::next(noted);
  if (slots.versions.size() <= kSlots) return;
  const auto oldest = slots.versions.begin();
  slots.forgotten_before = oldest->first + 1;
  slots.forgotten = std::max(slots.forgotten, oldest->second);
  slots.versions.erase(oldest);
}

std::optional<std::int64_t> Changes::first_since(const SegmentOwner& owner, TimeRange range,
                                                 std::uint64_t version) const {
  if (range.min_ns > range.max_ns) return std::nullopt;
  if (all_ > version) return range.min_ns;
  const auto found = owners_.find(owner);
  if (found == owners_.end()) return std::nullopt;
  const Slots& slots = found->second;
  const std::int64_t first = slot_of(range.min_ns);
  const std::int64_t last = slot_of(range.max_ns);
  if (first < slots.forgotten_before && slots.forgotten > version) return range.min_ns;
  for (auto at = slots.versions.lower_bound(first); at != slots.versions.end() && at->first <= last; ++at) {
    if (at->second > version) return std::max(range.min_ns, start_of(at->first));
  }
  return std::nullopt;
}

}  // namespace gpuscale::tsdb
