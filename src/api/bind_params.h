// SPDX-License-Identifier: Apache-2.0
/// The `params` of /query: a JSON object of values for `$name`. Pure.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "influxql/engine.h"

namespace gpuscale::api {

struct BoundParams {
  influxql::Params values;
  /// Parameters whose value cannot be bound, with InfluxDB's reason; an error only once a query names them.
  std::map<std::string, std::string, std::less<>> unbindable;
};

/// Strings, numbers, booleans, and objects of one entry: {"regex"|"identifier"|"ident"|"string"|"duration":
/// text},
/// {"float"|"number"|"integer"|"int": number}. Errors: kInvalidArgument in InfluxDB's words, "error parsing
/// query parameters: unexpected EOF".
Result<BoundParams> parse_bind_params(std::string_view text);

/// The engine's error for a query whose parameter is missing, made to say why it could not be bound.
std::string explain_missing(std::string message, const BoundParams& params);

}  // namespace gpuscale::api
