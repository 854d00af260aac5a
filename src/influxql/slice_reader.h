// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the rows of some series of a measurement.
#pragma once
#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "influxql/filter_plan.h"
#include "influxql/source.h"

namespace gpuscale::influxql {

/// Reads column by column: of what lies side by side on the disk, all at once, but no more than there is room
/// for.
class SliceReader {
 public:
  static constexpr std::size_t kMostValues = 500'000;  ///< of all columns; those of the last series beyond it
  using Slice = std::span<const tsdb::SeriesInfo* const>;

  /// All must outlive it.
  SliceReader(Run& run, const DataSourceRef& source, const ReadRequest& request, const FilterPlan& filter,
              Slice slice);

  /// Of the series at `index`, ascending from call to call.
  Result<SeriesRows> read(std::size_t index);
  /// So many series of the slice have room; it may shrink while they are read, never below what was asked
  /// for.
  std::size_t size() const { return slice_.size(); }
  std::size_t values() const { return values_; }  ///< read so far

 private:
  using Columns = std::vector<const tsdb::Column*>;  ///< by series; null: it has none

  /// Null for what is no field.
  Result<const tsdb::Column*> column_of(const VarRef& ref);
  Result<Columns> read_columns(const std::string& field);
  /// @param of_filter they are not looked at any more once the next series is read
  Result<std::vector<std::vector<Value>>> cells_of(const std::vector<VarRef>& refs,
                                                   const std::vector<std::int64_t>& times, bool of_filter);
  Result<Value> lasting(const Value& value);
  void keep_where(std::vector<std::int64_t>& times, const std::vector<std::vector<Value>>& cells) const;

  Run& run_;
  const DataSourceRef& source_;
  const ReadRequest& request_;
  const FilterPlan& filter_;
  Slice slice_;
  std::vector<tsdb::SeriesId> ids_;
  std::size_t index_ = 0;
  std::size_t values_ = 0;
  const tsdb::Column none_;
  std::map<std::string, Columns, std::less<>> columns_;
  std::deque<tsdb::Column> owned_;
};

}  // namespace gpuscale::influxql
