// SPDX-License-Identifier: Apache-2.0
/// Private to the room: pieces of segments read lately, so that dashboards do not read the file again and
/// again.
#pragma once
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "tsdb/segment.h"

namespace gpuscale::tsdb {

/// @tparam Piece of one field of a segment; bytes_of(piece) says what it holds. Thread-safe.
template <typename Piece>
class SegmentCache {
 public:
  explicit SegmentCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  struct Found {
    bool known = false;
    std::shared_ptr<const Piece> piece;  ///< null: the segment has no such piece
  };
  Found find(SegmentId segment, FieldId field) {
    const std::scoped_lock lock(mutex_);
    const auto found = by_key_.find({segment, field});
    if (found == by_key_.end()) return {};
    entries_.splice(entries_.begin(), entries_, found->second);
    return {true, found->second->piece};
  }

  void keep(SegmentId segment, FieldId field, std::shared_ptr<const Piece> piece) {
    const std::scoped_lock lock(mutex_);
    const Key key{segment, field};
    if (by_key_.contains(key)) return;
    entries_.push_front({key, std::move(piece)});
    by_key_[key] = entries_.begin();
    bytes_ += weight(entries_.front());
    while (bytes_ > max_bytes_ && entries_.size() > 1) {
      bytes_ -= weight(entries_.back());
      by_key_.erase(entries_.back().key);
      entries_.pop_back();
    }
  }

  void forget(SegmentId segment) {
    const std::scoped_lock lock(mutex_);
    for (auto at = by_key_.lower_bound({segment, 0}); at != by_key_.end() && at->first.first == segment;) {
      bytes_ -= weight(*at->second);
      entries_.erase(at->second);
      at = by_key_.erase(at);
    }
  }

  std::size_t bytes() const {
    const std::scoped_lock lock(mutex_);
    return bytes_;
  }

 private:
  using Key = std::pair<SegmentId, FieldId>;
  struct Entry {
    Key key;
    std::shared_ptr<const Piece> piece;
  };
  static std::size_t weight(const Entry& entry) {
    return sizeof(Entry) + (entry.piece ? bytes_of(*entry.piece) : 0);
  }

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last in front
  std::map<Key, typename std::list<Entry>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace gpuscale::tsdb
