// SPDX-License-Identifier: Apache-2.0
/// The answer of InfluxDB's /query endpoint, asked with epoch=ns, as series. Pure.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "datasource/data_source.h"

namespace gpuscale::datasource {

/// Errors: kInvalidArgument (what the query did wrong, in the server's words; columns that hold no numbers),
/// kTimeout, kExhausted (the server cut its answer), kCorrupt (no such answer).
Result<std::vector<Series>> read_influxdb_answer(std::string_view body);
Result<std::vector<Series>> series_of_influxdb(const nlohmann::json& answer);

}  // namespace gpuscale::datasource
