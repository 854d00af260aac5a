// SPDX-License-Identifier: Apache-2.0
/// Private to the room: which segments of a view their totals may stand for. Pure.
#pragma once
#include <functional>
#include <span>

#include "base/result.h"
#include "tsdb/scan_view.h"

namespace gpuscale::tsdb {

/// Null where the segment has no totals of the field.
using FindTotals =
    std::function<Result<std::shared_ptr<const SlotTotals>>(const Segment& segment, FieldId field)>;

/// Moves the segments whose totals hold exactly what the scan asks for from `view.segments` to
/// `view.totalled`: all their series are among `ids`, and no sample of theirs is superseded by one of another
/// segment or of the head, nor supersedes one. Errors: those of `find`, with the view unchanged.
Result<void> take_totals(ScanView& view, std::span<const SeriesId> ids, const FindTotals& find);

/// The slots of which every sample lies in the range.
RowRange whole_slots(const SlotTotals& totals, TimeRange range);
/// The parts of the range, at most two, that hold some samples of a slot and not all.
std::vector<TimeRange> cut_slots(const SlotTotals& totals, TimeRange range);

}  // namespace gpuscale::tsdb
