// SPDX-License-Identifier: Apache-2.0
/// What a dashboard may hold: {"variables": ["pool"], "panels": [{"title", "query", "max", "wide"}],
/// "refresh": "10s"}. A query may hold $timeFilter, $__interval and the dashboard's variables; the console
/// fills them in. Pure.
#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace gpuscale::api {

constexpr std::size_t kMostPanels = 40;
constexpr std::size_t kMostVariables = 10;
constexpr std::size_t kMostTitleBytes = 200;
constexpr std::size_t kMostQueryBytes = 4'000;

/// Errors: kInvalidArgument with every fault, one a line, each with its place: "definition.panels[0].query:
/// ...".
Result<void> check_dashboard(const nlohmann::json& definition);
/// Errors: kInvalidArgument: 1 to 200 bytes without control characters.
Result<void> check_dashboard_name(const std::string& name);

}  // namespace gpuscale::api
