// SPDX-License-Identifier: Apache-2.0
/// Private to the room: work on Columns, the samples of one field of one series.
#pragma once
#include "tsdb/store.h"

namespace gpuscale::tsdb {

/// Positions [begin, end) of ascending times.
struct RowRange {
  std::size_t begin;
  std::size_t end;
  std::size_t size() const { return end - begin; }
};
RowRange rows_in(std::span<const std::int64_t> times, TimeRange range);

/// Empties the column and keeps its memory.
void reset(Column& column, FieldType type);
/// Appends positions `rows` of `from`, which is of the same type and later.
void append_rows(Column& to, const Column& from, RowRange rows);
/// Leaves the first `size` samples.
void truncate(Column& column, std::size_t size);
/// Removes what lies outside of the range.
void restrict(Column& column, TimeRange range);
/// Removes what lies inside of the range.
void cut_out(Column& column, TimeRange range);

/// Joins two columns of one type; where both have a time, `newer` wins. O(1) extra when newer begins after
/// older.
Column merge(Column older, Column newer);
/// The same, into `older`; `newer` is left with unspecified contents and its memory.
void join(Column& older, Column& newer);

}  // namespace gpuscale::tsdb
