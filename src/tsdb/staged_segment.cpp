// SPDX-License-Identifier: Apache-2.0
#include "tsdb/staged_segment.h"

#include "tsdb/tables.h"

namespace gpuscale::tsdb {

using Work = std::function<Result<void>(db::Transaction&)>;

StagedSegment::~StagedSegment() {
  if (is_kept_ || id_ == 0) return;
  // Where that fails - the disk is full, or memory - it is noted still, and the next one does it.
  try {
    const std::scoped_lock change(change_mutex_);
    (void)writer_.transact(Work(tables::discard_unfinished));
  } catch (...) {
    return;
  }
}

Result<void> StagedSegment::put(FieldId field, const std::string& strip, const std::string& totals) {
  const std::scoped_lock change(change_mutex_);
  SegmentId id = id_;
  GS_CHECK(writer_.transact(Work([&](db::Transaction& transaction) -> Result<void> {
    if (id == 0) {
      GS_TRY(id, tables::begin_segment(transaction));
    }
    return tables::insert_pieces(transaction, id, field, strip, totals);
  })));
  id_ = id;
  return {};
}

}  // namespace gpuscale::tsdb
