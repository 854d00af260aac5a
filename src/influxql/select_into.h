// SPDX-License-Identifier: Apache-2.0
/// Private to the room: SELECT ... INTO, which stores what a SELECT gives.
#pragma once
#include <vector>

#include "influxql/select_run.h"

namespace gpuscale::influxql {

/// Writes every row as a point: grouping tags and the tags of top()/bottom() as tags, other columns as
/// fields, nulls left out. The answer is InfluxDB's: one row "result" with the number of points.
Result<std::vector<Row>> write_into(Run& run, const PreparedSelect& select, const SelectRows& result);

}  // namespace gpuscale::influxql
