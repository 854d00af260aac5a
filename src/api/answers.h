// SPDX-License-Identifier: Apache-2.0
/// JSON in and out: bodies whose keys are all known, errors as {"error","code"}, times as RFC 3339 or null.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/routes.h"
#include "base/rfc3339.h"
#include "http/message.h"

namespace gpuscale::api {

/// The HTTP status that tells a caller about an error of this kind.
int status_of(Errc code);
http::Response json_answer(int status, const nlohmann::json& body);
/// {"error": message, "code": kind}; 401 also says how to authenticate.
http::Response error_answer(const Error& error);

nlohmann::json time_or_null(const std::optional<WallTime>& time);
template <typename T>
nlohmann::json value_or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}
double seconds_of(Nanos duration);

/// The body as a JSON object whose keys are all among `known`, whatever its Content-Type says; an empty body
/// is {}. Errors: kInvalidArgument naming the fault: no JSON, no object, an unknown key and the known ones, a
/// missing required key; more than 64 KiB, or kDeepestJson levels.
Result<nlohmann::json> parse_body(const http::Request& request, const std::vector<Key>& known);
/// Errors: kInvalidArgument where the query names a parameter that is not known, or one of them twice.
Result<void> check_query(const http::QueryParams& query, const std::vector<Key>& known);

constexpr std::size_t kMaxJsonBody = 64 * 1024;
constexpr int kDeepestJson = 64;  ///< what goes through a value goes down by recursion

}  // namespace gpuscale::api
