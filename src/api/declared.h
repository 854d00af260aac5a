// SPDX-License-Identifier: Apache-2.0
/// Where a thing of a list comes from, for the resources that list it.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/routes.h"
#include "api/services.h"

namespace gpuscale::api {

/// Adds "origin", "version" and "fault".
void add_declared(nlohmann::json& entry, const Services& services, config::Kind kind,
                  const std::string& name);

/// What is declared and does not run, with its fault.
std::vector<declare::Declared> left_out(const Services& services, config::Kind kind);

}  // namespace gpuscale::api
