// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what a scan reads, taken in one moment: nothing that happens later is seen.
#pragma once
#include <memory>
#include <vector>

#include "tsdb/sample_columns.h"
#include "tsdb/segment.h"
#include "tsdb/slot_totals.h"
#include "tsdb/store.h"

namespace gpuscale::tsdb {

/// A segment whose samples are taken from its totals.
struct TotalledSegment {
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const SlotTotals> totals;
  std::shared_ptr<const Strip> strip;  ///< where the range cuts one of its slots
};

struct ScanView {
  SegmentOwner owner;
  FieldId field = 0;
  FieldType type = FieldType::kFloat;
  TimeRange range;
  std::vector<std::shared_ptr<const Segment>> segments;  ///< that touch the range, ascending by generation
  Column head;                         ///< samples of the first series, then of the second ...
  std::vector<std::size_t> head_ends;  ///< of each series in it; empty where nothing is in memory
  std::vector<std::shared_ptr<const Strip>> strips;  ///< per segment; null where it lacks the field
  std::vector<TotalledSegment> totalled;             ///< besides the segments

  RowRange head_rows(std::size_t i) const {
    return head_ends.empty() ? RowRange{0, 0} : RowRange{i == 0 ? 0 : head_ends[i - 1], head_ends[i]};
  }
};

}  // namespace gpuscale::tsdb
