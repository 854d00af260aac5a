// SPDX-License-Identifier: Apache-2.0
/// Numbers as Go prints them, for whatever answers in InfluxDB's place. Pure.
#pragma once
#include <string>

namespace gpuscale::influxql {

/// strconv.FormatFloat(value, 'f', -1, 64): the shortest digits that read back the same, zeros up to the
/// point.
std::string go_fixed(double value);
/// encoding/json: as go_fixed() from 1e-6 to below 1e21, else "1e-7", "1.5e+21". "null" for what JSON cannot
/// hold.
std::string go_json_number(double value);
/// The same at the end of `out`, without a text of its own.
void append_go_json_number(std::string& out, double value);

}  // namespace gpuscale::influxql
