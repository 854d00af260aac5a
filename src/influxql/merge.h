// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the rows of several series in one order of time. Pure.
#pragma once
#include <vector>

#include "influxql/rows.h"

namespace gpuscale::influxql {

/// One list of the rows of `parts`, ascending or descending by time. Rows of one time stand as InfluxDB 1.6.7
/// puts them: by their first texts, else as Go's heap happens to give them (observed).
/// @param first_column the first column whose texts count.
SeriesRows merge(std::vector<SeriesRows> parts, bool ascending, std::size_t first_column);

}  // namespace gpuscale::influxql
