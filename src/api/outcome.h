// SPDX-License-Identifier: Apache-2.0
/// What a trigger did, as an HTTP answer: 200 accepted or unchanged, 409 conflict, 429 cooldown with
/// Retry-After.
#pragma once
#include <nlohmann/json.hpp>

#include "http/message.h"
#include "scaling/trigger.h"

namespace gpuscale::api {

nlohmann::json to_json(const scaling::TriggerOutcome& outcome);
int status_of(scaling::Verdict verdict);
http::Response outcome_answer(const scaling::TriggerOutcome& outcome);

}  // namespace gpuscale::api
