// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a segment whose strips and totals go to the disk one by one while it is made. Memory
/// then holds one of them and not all (40 MiB of hours of 10,000 GPUs), and commits wait for one at a time.
/// Nobody sees it before tables::insert_segment() gives it its row.
#pragma once
#include <mutex>
#include <string>

#include "db/database.h"
#include "tsdb/segment.h"

namespace gpuscale::tsdb {

/// One at a time: the next one begun, as the next start, takes away what one that came to nothing left.
class StagedSegment {
 public:
  /// @param change_mutex held for each of the changes
  StagedSegment(db::Database& writer, std::mutex& change_mutex)
      : writer_(writer), change_mutex_(change_mutex) {}
  /// Takes its pieces away again, unless it was kept.
  ~StagedSegment();
  StagedSegment(const StagedSegment&) = delete;
  StagedSegment& operator=(const StagedSegment&) = delete;

  /// @param totals "" where the field has none
  Result<void> put(FieldId field, const std::string& strip, const std::string& totals);
  /// 0 until something was put.
  SegmentId id() const { return id_; }
  /// It has its row.
  void keep() { is_kept_ = true; }

 private:
  db::Database& writer_;
  std::mutex& change_mutex_;
  SegmentId id_ = 0;
  bool is_kept_ = false;
};

}  // namespace gpuscale::tsdb
