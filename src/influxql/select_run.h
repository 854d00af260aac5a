// SPDX-License-Identifier: Apache-2.0
/// Private to the room: runs a prepared SELECT, subqueries included, and gives its rows.
#pragma once
#include <vector>

#include "influxql/engine.h"
#include "influxql/select_plan.h"

namespace gpuscale::influxql {

/// What runs around a statement: nothing, or the statement of which it is a subquery.
struct Surroundings {
  TimeFrame frame;
  std::vector<std::string> dimensions;
  std::vector<std::string> limited_dimensions;  ///< of the outermost statement
  std::int64_t slimit = 0;
  std::int64_t soffset = 0;
};

struct SelectRows {
  RowSet rows;
  std::vector<std::string> dimensions;  ///< the keys of SeriesKey::tags
};
/// @param outer null for the statement itself.
Result<SelectRows> run_select(Run& run, const PreparedSelect& select, const Surroundings* outer);

/// A whole SELECT statement: check, prepare, run, and the result in the caller's form.
Result<std::vector<Row>> execute_select(Run& run, const SelectStatement& statement);

}  // namespace gpuscale::influxql
