// SPDX-License-Identifier: Apache-2.0
/// What the calls have in common that make, change and delete something with a version: {"definition",
/// "version"}, ?dry_run=, ?version=.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/routes.h"
#include "http/message.h"

namespace gpuscale::api {

struct DefinitionCall {
  nlohmann::json definition;
  std::int64_t version = 0;  ///< 0 = make a new one
  bool dry_run = false;
};

/// Errors: kInvalidArgument naming the key or parameter.
Result<DefinitionCall> definition_call(const http::Request& request);
Result<std::int64_t> version_to_delete(const http::Request& request);

/// Of the OpenAPI document; `help` says what a definition is.
std::vector<Key> definition_keys(const std::string& help);
std::vector<Key> definition_query();

/// 409: somebody else saved `version` in between. `by` "", `at` absent = not known.
http::Response version_conflict(const std::string& why, std::int64_t version, const std::string& by,
                                std::optional<WallTime> at);

}  // namespace gpuscale::api
