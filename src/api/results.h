// SPDX-License-Identifier: Apache-2.0
/// Query results in the forms that /query offers beside plain JSON. Pure. Source: InfluxDB 1.6.7, observed.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "influxql/engine.h"

namespace gpuscale::api {

using Results = std::vector<influxql::StatementResult>;

/// "name,tags,time,...": one header per statement, a blank line between statements; times as integers,
/// nanoseconds where `epoch` is empty. A failed statement reads "error\n<text>".
std::string render_csv(const Results& results, std::string_view epoch);

/// As the JSON body; times as extension 5 (Go's time.Time) where `epoch` is empty.
std::string render_msgpack(const Results& results, std::string_view epoch);

/// `chunked=true`: one JSON document a line, each with at most `chunk_size` rows of one series, where the
/// statement's answer may be cut so; "partial":true on a series that is cut, and on the result while more of
/// it follows. @param chunk_size > 0.
std::string render_chunks(const Results& results, std::string_view epoch, std::size_t chunk_size,
                          bool pretty);

}  // namespace gpuscale::api
