// SPDX-License-Identifier: Apache-2.0
/// The devices as GET /devices tells them, for `gpuscale top` and for people with curl. Pure, save that it
/// asks /proc for the owners of processes.
#pragma once
#include <nlohmann/json.hpp>

#include "agent/endpoint.h"

namespace gpuscale::agent {

/// {"node","source","state","reason","sample_age_seconds","devices":[{"gpu","uuid","model","mig","state",
/// "detail","doubt","values":{signal: number},"processes":[...],"xids":[...]}]}; values only of fresh
/// readings.
nlohmann::json devices_json(const AgentState& state);

}  // namespace gpuscale::agent
