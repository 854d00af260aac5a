// SPDX-License-Identifier: Apache-2.0
/// Numbers as Go prints them, for whatever answers in InfluxDB's place. Pure.
#pragma once
#include <cstddef>
#include <string>

namespace gpuscale::influxql {

/// strconv.FormatFloat(value, 'f', -1, 64): the shortest digits that read back the same, zeros up to the
/// point.
std::string go_fixed(double value);
/// encoding/json: as go_fixed() from 1e-6 to below 1e21, else "1e-7", "1.5e+21"; "null" for what JSON cannot
/// hold. Written at `to`, where there is room for kMostNumberBytes. @return behind its last byte.
char* write_go_json_number(char* to, double value);
/// 21 digits before the point, a sign, a point and 23 digits behind it are more than there can be together.
constexpr std::size_t kMostNumberBytes = 48;

}  // namespace gpuscale::influxql
