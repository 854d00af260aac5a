// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what a server says of itself.
#pragma once
#include <string>
#include <vector>

#include "influxql/run.h"

namespace gpuscale::influxql {

std::vector<Row> show_queries(const Run& run);
/// What of InfluxDB's counters this server has. @param module that alone; "" = all
std::vector<Row> show_stats(const Run& run, const std::string& module);
/// @param module that alone; "" = all
std::vector<Row> show_diagnostics(const Run& run, const std::string& module);

}  // namespace gpuscale::influxql
