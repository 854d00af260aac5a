// SPDX-License-Identifier: Apache-2.0
/// Results as InfluxDB's JSON, byte for byte: Go's number and text forms, times by `epoch`. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "influxql/engine.h"

namespace gpuscale::influxql {

/// `{"results":[...]}` and a newline. @param epoch ns, u, ms, s, m or h; absent or empty = RFC 3339 texts.
std::string render_json(const std::vector<StatementResult>& results, std::optional<std::string> epoch,
                        bool pretty);

/// One statement's result as a document of its own, for chunked answers. @param partial more of it follows.
std::string render_document(const StatementResult& result, bool partial, std::string_view epoch, bool pretty);

}  // namespace gpuscale::influxql
