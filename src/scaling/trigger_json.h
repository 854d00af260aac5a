// SPDX-License-Identifier: Apache-2.0
/// A trigger's outcome as JSON: the answer's body, and what an idempotency key replays.
#pragma once
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "scaling/trigger.h"

namespace gpuscale::scaling {

/// {"status","trigger","pool","type","step","from","to","clipped_by":null|"min"|"max","reason","replayed",
///  "retry_after_seconds":n|null,"correlation","errand":n where there is one}; seconds rounded up.
nlohmann::json to_json(const TriggerOutcome& outcome);
/// Errors: kCorrupt naming the field.
Result<TriggerOutcome> outcome_from_json(const nlohmann::json& json);

}  // namespace gpuscale::scaling
