// SPDX-License-Identifier: Apache-2.0
#include "tsdb/staged_segment.h"

#include "tsdb/tables.h"

namespace gpuscale::tsdb {

using Work = std::function<Result<void>(db::Transaction&)>;

StagedSegment::~StagedSegment() {
  if (is_kept_ || id_ == 0) return;
  // Where that fails - the disk is full, or memory - it is noted still, and others do it.
  try {
    const std::scoped_lock change(change_mutex_);
    (void)writer_.transact(Work(tables::discard_unfinished));
  } catch (...) {
    return;
  }
}

Result<void> StagedSegment::put(SegmentPiece piece) {
  waiting_bytes_ += piece.strip.size() + piece.totals.size();
  waiting_.push_back(std::move(piece));
  return waiting_bytes_ < most_bytes_ ? Result<void>() : write_waiting();
}

Result<void> StagedSegment::write_waiting() {
  const std::scoped_lock change(change_mutex_);
  SegmentId id = id_;
  if (id == 0) {
    // What is damaged there is no reason to join nothing any more.
    const auto discarded = writer_.transact(Work(tables::discard_unfinished));
    if (!discarded && discarded.error().code() != Errc::kCorrupt) return discarded;
  }
  GS_CHECK(writer_.transact(Work([&](db::Transaction& transaction) -> Result<void> {
    if (id == 0) {
      GS_TRY(id, tables::begin_segment(transaction));
    }
    return tables::insert_pieces(transaction, id, waiting_);
  })));
  id_ = id;
  waiting_.clear();
  waiting_bytes_ = 0;
  return {};
}

void StagedSegment::complete(NewSegment& made) {
  made.label.id = id_;
  made.pieces = std::move(waiting_);
}

}  // namespace gpuscale::tsdb
