// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what stands in FROM, found in the store, and how its rows are read.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "influxql/ast.h"
#include "influxql/formula.h"
#include "influxql/rows.h"
#include "influxql/run.h"
#include "influxql/window.h"

namespace gpuscale::influxql {

struct PreparedSelect;

/// A measurement that exists, or a subquery.
struct DataSourceRef {
  std::string database;
  std::string policy;
  std::string measurement;
  std::map<std::string, DataType, std::less<>> fields;
  std::set<std::string, std::less<>> tags;
  std::shared_ptr<const PreparedSelect> subquery;

  /// kUnknown where neither field nor tag.
  DataType type_of(const std::string& name) const;
};

/// Finds what the measurement names. A pattern may find many, a name without data finds none. Errors:
/// kNotFound "database not found: x", "retention policy not found: x"; kInvalidArgument "database name
/// required".
Result<std::vector<DataSourceRef>> find_measurements(Run& run, const Measurement& measurement);

/// What is wanted of a source.
struct ReadRequest {
  std::vector<VarRef> refs;
  std::vector<std::size_t> drivers;  ///< indexes of refs; a row exists where one of these has a value
  ExprPtr filter;
  TimeFrame frame;
  std::vector<std::string> dimensions;          ///< ascending
  bool every_row = false;                       ///< of a subquery: rows without any value too
  std::vector<std::string> limited_dimensions;  ///< of those, what SLIMIT and SOFFSET count
  std::int64_t slimit = 0;
  std::int64_t soffset = 0;
  bool at_once = false;                           ///< however long the frame is
  bool again = false;                             ///< of another stretch of time: its series are counted
  const std::set<SeriesKey>* complete = nullptr;  ///< groups that have all their rows; null: none
};

/// The series of a measurement that match, group by group.
struct SeriesGroups {
  std::vector<SeriesKey> keys;      ///< ascending
  std::vector<tsdb::SeriesId> ids;  ///< those of the first group, then those of the second ...
  std::vector<std::size_t> ends;    ///< of each group among the ids
  bool filters_rows = false;        ///< the filter also looks at fields
};
Result<SeriesGroups> group_series(Run& run, const DataSourceRef& source, const ReadRequest& request);

/// Called series by series, times ascending, within a group in the order of the series; of a very long range
/// so for each of its stretches, in the order of the frame.
using RowSink = std::function<Result<void>(const SeriesKey& key, SeriesRows rows)>;
/// Whether that is not so long a range: then each group is given once.
bool is_read_at_once(Run& run, const DataSourceRef& source, const TimeFrame& frame);
Result<void> read_measurement(Run& run, const DataSourceRef& source, const ReadRequest& request,
                              const RowSink& sink);
/// The same over the rows of a subquery. @param columns the names of the row's cells.
Result<void> read_rows(Run& run, const RowSet& rows, const std::vector<std::string>& columns,
                       const std::vector<std::string>& tag_keys, const ReadRequest& request,
                       const RowSink& sink);

}  // namespace gpuscale::influxql
