// SPDX-License-Identifier: Apache-2.0
/// Rules as JSON, for more than one resource.
#pragma once
#include <nlohmann/json.hpp>

#include "alert/engine.h"

namespace gpuscale::api {

nlohmann::json to_json(const alert::RuleStatus& rule);

}  // namespace gpuscale::api
