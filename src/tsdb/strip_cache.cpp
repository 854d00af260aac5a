// SPDX-License-Identifier: Apache-2.0
#include "tsdb/strip_cache.h"

namespace gpuscale::tsdb {

StripCache::Found StripCache::find(SegmentId segment, FieldId field) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find({segment, field});
  if (found == by_key_.end()) return {};
  entries_.splice(entries_.begin(), entries_, found->second);
  return {true, found->second->strip};
}

void StripCache::keep(SegmentId segment, FieldId field, std::shared_ptr<const Strip> strip) {
  const std::scoped_lock lock(mutex_);
  const Key key{segment, field};
  if (by_key_.contains(key)) return;
  entries_.push_front({key, std::move(strip)});
  by_key_[key] = entries_.begin();
  bytes_ += weight(entries_.front());
  while (bytes_ > max_bytes_ && entries_.size() > 1) {
    bytes_ -= weight(entries_.back());
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

void StripCache::forget(SegmentId segment) {
  const std::scoped_lock lock(mutex_);
  for (auto at = by_key_.lower_bound({segment, 0}); at != by_key_.end() && at->first.first == segment;) {
    bytes_ -= weight(*at->second);
    entries_.erase(at->second);
    at = by_key_.erase(at);
  }
}

std::size_t StripCache::bytes() const {
  const std::scoped_lock lock(mutex_);
  return bytes_;
}

}  // namespace gpuscale::tsdb
