// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the newest rows of one series, row by row, since a line of telemetry brings a dozen
/// fields at once.
#pragma once
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <span>

#include "tsdb/batch.h"
#include "tsdb/field_lists.h"
#include "tsdb/row_pieces.h"
#include "tsdb/sample_columns.h"

namespace gpuscale::tsdb {

/// Rows come in any order; settle() brings them into order. Rows of one time become one; the last write of a
/// field wins. All rows of a part have room for the same fields. Where a field is new the rows are laid out
/// anew, or, if they are many, stay as they are, and a part is begun: else a line of a thousand fields would
/// ask for a thousand words for each row before it. Not thread-safe.
class RowBuffer {
 public:
  /// Words that are laid out anew at most.
  static constexpr std::size_t kMostWidened = 64U << 10U;

  /// @param lists those of the neighbours, to share a list with
  /// @param arena that outlives this, for the memory of rows in their order; null: they have their own
  /// @return bytes taken.
  std::size_t add(std::int64_t time_ns, std::span<const CellName> shape, std::span<const CellValue> cells,
                  FieldLists& lists, RowArena* arena = nullptr);
  /// Orders what came out of order. Readers see settled buffers only.
  void settle();
  bool is_settled() const { return ordered_; }

  /// Whether all rows are of earlier times, as far as they came in order.
  bool is_newer(std::int64_t time_ns) const {
    return time_ns > newest_before_ && (rows_.empty() || (ordered_ && newest_time() < time_ns));
  }
  /// Of a settled buffer; nothing where it has no rows.
  std::optional<std::int64_t> first_time() const;
  /// Of the newest part; those of the parts before it are older()'s.
  std::span<const CellName> fields() const { return *fields_; }
  const RowBuffer* older() const { return older_.get(); }
  /// Appends the times of all rows.
  void times(std::vector<std::int64_t>& out) const;
  bool has_rows(TimeRange range) const;
  /// Appends the values of a field inside the range to a column of its type. `place` is where the field was
  /// in the buffer asked before, and is where it is in this one afterwards: mostly the same.
  void collect(FieldId field, TimeRange range, Column& out, std::size_t& place) const;
  /// Has the newest rows brought near, for a collect() that follows soon: of ten thousand series each is a
  /// wait for memory. `place` as there. Inlined by force: g++ 12 takes a function that only fetches for one
  /// without effect, and leaves out its calls.
  [[gnu::always_inline]] void fetch_newest(std::size_t place) const {
    if (rows_.empty()) return;
    // What a look at the last second reads: its search ends at the row before.
    const std::uint64_t* const newest = rows_.newest();
    __builtin_prefetch(newest);
    __builtin_prefetch(newest + std::min(rows_.width() - 1, 2 + place));  // behind time and, mostly, one mask
    __builtin_prefetch(rows_.before_newest());
  }
  /// Has this object brought near, for fetch_newest(), which reads where its rows lie.
  [[gnu::always_inline]] void fetch() const {
    constexpr std::size_t kLine = 64;
    const char* const at = reinterpret_cast<const char*>(this);
    for (std::size_t i = 0; i < sizeof *this; i += kLine) __builtin_prefetch(at + i);
    __builtin_prefetch(at + sizeof *this - 1);
  }
  /// Appends the newest of them alone.
  void collect_newest(FieldId field, TimeRange range, Column& out, std::size_t& place) const;

 private:
  std::size_t masks() const { return (fields_->size() + 63) / 64; }
  std::int64_t time(std::size_t row) const { return static_cast<std::int64_t>(rows_[row][0]); }
  std::int64_t newest_time() const { return static_cast<std::int64_t>(rows_.newest()[0]); }
  static const FieldLists::List& no_fields();
  RowRange rows_between(TimeRange range) const;
  /// Appends the values of a field in these rows, where they have one.
  void append(RowRange between, std::size_t number, Column& out) const;
  template <class Value, class Convert>
  void append_values(RowRange between, std::size_t number, std::vector<std::int64_t>& times,
                     std::vector<Value>& values, Convert convert) const;
  /// Nothing where it has no such field.
  std::optional<std::size_t> find_field(CellName name) const;
  bool find_field(CellName name, std::size_t& place) const;
  /// Appends those of the newest part.
  void collect_part(FieldId field, TimeRange range, Column& out, std::size_t& place) const;
  void collect_newest_part(FieldId field, TimeRange range, Column& out, std::size_t& place) const;
  /// Those that `of` appends, joined with those of the older parts.
  template <class OfPart, class OfOlder>
  void join_parts(Column& out, OfPart of_part, OfOlder of_older) const;
  /// Makes room for the fields of the shape that are new.
  void take_fields(std::span<const CellName> shape, FieldLists& lists);
  void widen(std::size_t fields);
  void begin_part();

  FieldLists::List fields_ = no_fields();
  RowPieces rows_;  ///< a row is time, presence masks, values; of a string the value is its place in strings_
  std::vector<std::string> strings_;
  bool ordered_ = true;
  std::unique_ptr<RowBuffer> older_;  ///< the parts before this one, settled
  std::int64_t newest_before_ = std::numeric_limits<std::int64_t>::min();  ///< of their times
};

}  // namespace gpuscale::tsdb
