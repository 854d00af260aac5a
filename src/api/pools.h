// SPDX-License-Identifier: Apache-2.0
/// Pools as JSON, for more than one resource.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "scaling/controller.h"

namespace gpuscale::api {

nlohmann::json to_json(const scaling::PoolStatus& pool);
/// Errors: kNotFound naming the known pools.
Result<scaling::PoolStatus> find_pool(const scaling::Controller& controller, const std::string& name);

}  // namespace gpuscale::api
