// SPDX-License-Identifier: Apache-2.0
/// Private to the room: rows of InfluxQL's answers as series of numbers.
#pragma once
#include <vector>

#include "base/result.h"
#include "datasource/data_source.h"
#include "influxql/engine.h"

namespace gpuscale::datasource {

/// One series per numeric column, appended. A row without values gives none. Errors: kInvalidArgument (no
/// times, columns of texts or booleans).
Result<void> append_series(const influxql::Row& row, std::vector<Series>& out);

}  // namespace gpuscale::datasource
