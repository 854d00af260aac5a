// SPDX-License-Identifier: Apache-2.0
/// Private to the room: reads one field of a segment, series after series.
#pragma once
#include <optional>
#include <vector>

#include "base/result.h"
#include "tsdb/sample_columns.h"
#include "tsdb/segment.h"
#include "tsdb/store.h"

namespace gpuscale::tsdb {

/// Quickest where the series are asked for in the segment's order. Segment and strip must outlive it.
class SegmentCursor {
 public:
  /// @param strip null = the segment lacks the field
  SegmentCursor(const Segment& segment, const Strip* strip) : segment_(segment), strip_(strip) {}

  /// Position of the series where it has values of the field in the range.
  std::optional<std::size_t> find(SeriesId id, TimeRange range);
  const AxisExtent& extent(std::size_t position) const { return segment_.extent(position); }
  /// Has the chunks of the next so many series on their way from memory.
  void expect(std::size_t series) const;
  /// Adds the samples of the series in the range, which win over those that are there, to `whole`, which is
  /// of the field's type. @param piece any; left with unspecified contents. Errors: kCorrupt, with part of
  /// them added.
  Result<void> add_to(Column& whole, std::size_t position, TimeRange range, Column& piece);

 private:
  Result<void> turn_to(std::size_t position);
  RowRange rows_of(TimeRange range);
  Error damaged(Error error) const;

  const Segment& segment_;
  const Strip* strip_;
  std::size_t hint_ = 0;
  bool known_ = false;
  std::size_t axis_ = 0;
  std::vector<std::int64_t> times_;
  bool rows_known_ = false;
  RowRange rows_{0, 0};
  TimeRange rows_range_;
};

}  // namespace gpuscale::tsdb
