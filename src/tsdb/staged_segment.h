// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a segment whose pieces go to the disk while it is made. Memory then holds a few of
/// them and not all (40 MiB of hours of 10,000 GPUs), and no commit waits for all of them to be written.
/// Nobody sees it before tables::insert_segment() gives it its row; one that is small is written there alone.
#pragma once
#include <mutex>
#include <vector>

#include "db/database.h"
#include "tsdb/segment.h"

namespace gpuscale::tsdb {

/// Lives while upkeep_mutex_ of the store is held, so that there is one at a time: the next one begun, as the
/// next start, takes away what one that came to nothing left.
class StagedSegment {
 public:
  /// @param change_mutex taken for each of the changes
  /// @param most_bytes of pieces that wait in memory for others to go with
  StagedSegment(db::Database& writer, std::mutex& change_mutex, std::size_t most_bytes)
      : writer_(writer), change_mutex_(change_mutex), most_bytes_(most_bytes) {}
  /// Takes its pieces away again, unless it was kept.
  ~StagedSegment();
  StagedSegment(const StagedSegment&) = delete;
  StagedSegment& operator=(const StagedSegment&) = delete;

  Result<void> put(SegmentPiece piece);
  /// Gives the segment its id, where pieces of it are on the disk, and the pieces that are not.
  void complete(NewSegment& made);
  /// It has its row.
  void keep() { is_kept_ = true; }

 private:
  Result<void> write_waiting();

  db::Database& writer_;
  std::mutex& change_mutex_;
  const std::size_t most_bytes_;
  std::vector<SegmentPiece> waiting_;
  std::size_t waiting_bytes_ = 0;
  SegmentId id_ = 0;  ///< 0 until something is on the disk
  bool is_kept_ = false;
};

}  // namespace gpuscale::tsdb
