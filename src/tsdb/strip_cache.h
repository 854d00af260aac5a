// SPDX-License-Identifier: Apache-2.0
/// Private to the room: strips read lately, so that dashboards do not read the file again and again.
/// Thread-safe.
#pragma once
#include <list>
#include <map>
#include <mutex>

#include "tsdb/segment.h"

namespace gpuscale::tsdb {

class StripCache {
 public:
  explicit StripCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  struct Found {
    bool known = false;
    std::shared_ptr<const Strip> strip;  ///< null: the segment has no such field
  };
  Found find(SegmentId segment, FieldId field);
  void keep(SegmentId segment, FieldId field, std::shared_ptr<const Strip> strip);
  void forget(SegmentId segment);
  std::size_t bytes() const;

 private:
  using Key = std::pair<SegmentId, FieldId>;
  struct Entry {
    Key key;
    std::shared_ptr<const Strip> strip;
  };
  static std::size_t weight(const Entry& entry) {
    return sizeof(Entry) + (entry.strip ? entry.strip->bytes() : 0);
  }

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last in front
  std::map<Key, std::list<Entry>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace gpuscale::tsdb
