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

/// Reads column by column: of what lies side by side on the disk, all at once.
class SliceReader {
 public:
  using Slice = std::span<const tsdb::SeriesInfo* const>;

  /// All must outlive it.
  SliceReader(Run& run, const DataSourceRef& source, const ReadRequest& request, const FilterPlan& filter,
              Slice slice);

  /// Of the series at `index` of the slice.
  Result<SeriesRows> read(std::size_t index);
  std::size_t values() const { return values_; }  ///< read so far

 private:
  using Columns = std::vector<const tsdb::Column*>;  ///< by series; null: it has none

  /// Null for what is no field.
  Result<const tsdb::Column*> column_of(const VarRef& ref);
  Result<Columns> read_columns(const std::string& field);
  Result<std::vector<std::vector<Value>>> cells_of(const std::vector<VarRef>& refs,
                                                   const std::vector<std::int64_t>& times, bool empty_tags);
  void keep_where(std::vector<std::int64_t>& times, const std::vector<std::vector<Value>>& cells) const;

  Run& run_;
  const DataSourceRef& source_;
  const ReadRequest& request_;
  const FilterPlan& filter_;
  const Slice slice_;
  std::vector<tsdb::SeriesId> ids_;
  std::size_t index_ = 0;
  std::size_t values_ = 0;
  const tsdb::Column none_;
  std::map<std::string, Columns, std::less<>> columns_;
  std::deque<tsdb::Column> owned_;
};

}  // namespace gpuscale::influxql
