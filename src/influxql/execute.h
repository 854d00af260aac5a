// SPDX-License-Identifier: Apache-2.0
/// Private to the room: one statement each, run against the store.
#pragma once
#include <vector>

#include "influxql/ast.h"
#include "influxql/run.h"

namespace gpuscale::influxql {

Result<std::vector<Row>> execute_show(Run& run, const ShowStatement& statement);
Result<void> execute_change(Run& run, const Statement& statement);

/// Whether a database of this name exists.
bool has_database(const Run& run, std::string_view name);
/// `wanted`, or the context's. Errors: "database name required"; with `must_exist`, "database not found: x".
Result<std::string> database_of(const Run& run, const std::string& wanted, bool must_exist);

/// nullptr where there is none.
const tsdb::RetentionPolicy* find_policy(const std::vector<tsdb::DatabaseInfo>& databases,
                                         std::string_view database, std::string_view name);
/// Without values.
inline Row make_row(std::string name, std::vector<std::string> columns) {
  Row out;
  out.name = std::move(name);
  out.columns = std::move(columns);
  return out;
}

Result<std::vector<Row>> execute_explain(Run& run, const ExplainStatement& explain);

/// The named measurements that there are; all where none is named.
std::vector<std::string> match_measurements(const Run& run, const std::string& database,
                                            const std::vector<Source>& sources);

/// The series of the named measurements (all where none is named) whose tags meet `condition`.
struct MatchedSeries {
  std::string measurement;
  std::vector<tsdb::SeriesInfo> series;
};
/// @param drop_empty leave out measurements of which no series is left
Result<std::vector<MatchedSeries>> match_series(Run& run, const std::string& database,
                                                const std::vector<Source>& sources, const ExprPtr& filter,
                                                bool drop_empty);

}  // namespace gpuscale::influxql
