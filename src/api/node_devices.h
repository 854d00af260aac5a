// SPDX-License-Identifier: Apache-2.0
/// What a node's agent tells of its devices at its own endpoint, read as what it is: an answer from outside.
/// Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpuscale::api {

constexpr std::size_t kMostDevicesAnswer = 1U << 20U;  ///< bytes; 256 devices with 20 processes each fit
constexpr std::size_t kMostProcesses = 2'000;          ///< of a node; `processes_omitted` counts the others

/// The agent's GET /devices as {"node", "processes": [{"gpu", "uuid", "pid", "owner", "memory_bytes",
/// "utilization_gpu"}], "processes_omitted"}, ordered as the agent has them; what an agent does not say is
/// null. Errors: kUnavailable where it is another program's answer.
Result<nlohmann::json> node_devices(std::string_view answer);

}  // namespace gpuscale::api
