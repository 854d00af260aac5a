// SPDX-License-Identifier: Apache-2.0
/// Private to the room: samples of one series in columns that share one time column, since one line of
/// telemetry gives a dozen fields one time. The head holds growing ones, sealed blocks hold the same shape
/// encoded.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/store.h"

namespace gpuscale::tsdb {

using FieldId = std::uint32_t;
using PolicyId = std::uint32_t;

/// One field. Entry i belongs to row i; a column shorter than the rows lacks the remaining ones. Floats,
/// integers and booleans are in `bits` (a double's bits, two's complement, 0/1), strings in `strings`.
struct BlockColumn {
  FieldId field = 0;
  FieldType type = FieldType::kFloat;
  std::vector<std::uint64_t> bits;
  std::vector<std::string> strings;
  std::vector<std::uint8_t> present;  ///< empty = every entry is there

  std::size_t size() const { return type == FieldType::kString ? strings.size() : bits.size(); }
  bool has(std::size_t row) const { return row < size() && (present.empty() || present[row] != 0); }
};

struct ColumnBlock {
  std::vector<std::int64_t> times;
  std::vector<BlockColumn> columns;

  const BlockColumn* find(FieldId field) const;
};

/// One value on its way into a row; `text` only for strings.
struct CellValue {
  FieldType type;
  std::uint64_t bits;
  std::string_view text;
};

/// A block under construction: rows come in any order, settle() brings them into order. Rows of one time
/// become one; the last write of a field wins.
class RowBuffer {
 public:
  /// Opens a row; the cells that follow belong to it.
  void begin_row(std::int64_t time_ns);
  /// `hint` = position of the field in its line, where its column mostly is. @return bytes taken.
  std::size_t set(std::size_t hint, FieldId field, const CellValue& value);
  /// Orders what begin_row() left out of order. Readers see settled buffers only.
  void settle();

  const ColumnBlock& block() const { return block_; }
  std::size_t rows() const { return block_.times.size(); }

 private:
  BlockColumn& column(std::size_t hint, FieldId field, FieldType type);

  ColumnBlock block_;
  std::size_t ordered_ = 0;  // rows [0, ordered_) ascend strictly
};

/// Rows [begin, end) of `block` as a block of its own.
ColumnBlock slice(const ColumnBlock& block, std::size_t begin, std::size_t end);

/// The rows of `block` outside `range`.
ColumnBlock without(const ColumnBlock& block, TimeRange range);

/// First row at or after `range.min_ns`, and first after `range.max_ns`.
struct RowRange {
  std::size_t begin;
  std::size_t end;
};
RowRange rows_in(const std::vector<std::int64_t>& times, TimeRange range);

/// The values of `field` inside `range`; empty where the block lacks it.
Column extract(const ColumnBlock& block, FieldId field, FieldType type, TimeRange range);

/// Joins two columns of one type; where both have a time, `newer` wins. O(1) extra when newer begins after
/// older.
Column merge(Column older, Column newer);

}  // namespace gpuscale::tsdb
