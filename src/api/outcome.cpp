// SPDX-License-Identifier: Apache-2.0
#include "api/outcome.h"

#include <algorithm>
#include <cmath>

#include "api/answers.h"
#include "scaling/trigger_json.h"

namespace gpuscale::api {

namespace {

std::optional<std::int64_t> retry_after_seconds(const scaling::TriggerOutcome& outcome) {
  if (!outcome.retry_after) return std::nullopt;
  // Rounded up: a caller that comes back a moment too early would only be refused again.
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(seconds_of(*outcome.retry_after))));
}

}  // namespace

nlohmann::json to_json(const scaling::TriggerOutcome& outcome) {
  nlohmann::json out = scaling::to_json(outcome);
  out["retry_after_seconds"] = value_or_null(retry_after_seconds(outcome));
  return out;
}

int status_of(scaling::Verdict verdict) {
  switch (verdict) {
    case scaling::Verdict::kAccepted:
    case scaling::Verdict::kUnchanged:
      return 200;
    case scaling::Verdict::kCooldown:
      return 429;
    case scaling::Verdict::kConflict:
      return 409;
  }
  return 500;
}

http::Response outcome_answer(const scaling::TriggerOutcome& outcome) {
  http::Response response = json_answer(status_of(outcome.verdict), api::to_json(outcome));
  if (const auto seconds = retry_after_seconds(outcome); seconds && response.status == 429) {
    response.headers.set("Retry-After", std::to_string(*seconds));
  }
  return response;
}

}  // namespace gpuscale::api
