// SPDX-License-Identifier: Apache-2.0
#include "api/outcome.h"

#include <algorithm>
#include <cmath>

#include "api/answers.h"

namespace gpuscale::api {

namespace {

std::optional<std::int64_t> retry_after_seconds(const scaling::TriggerOutcome& outcome) {
  if (!outcome.retry_after) return std::nullopt;
  // Rounded up: a caller that comes back a moment too early would only be refused again.
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(seconds_of(*outcome.retry_after))));
}

}  // namespace

nlohmann::json to_json(const scaling::TriggerOutcome& outcome) {
  return {{"status", std::string(to_string(outcome.verdict))},
          {"trigger", outcome.trigger},
          {"pool", outcome.pool},
          {"type", std::string(to_string(outcome.type))},
          {"step", outcome.step},
          {"from", outcome.from},
          {"to", outcome.to},
          {"clipped_by",
           outcome.clipped_by.empty() ? nlohmann::json(nullptr) : nlohmann::json(outcome.clipped_by)},
          {"reason", outcome.reason},
          {"replayed", outcome.replayed},
          {"retry_after_seconds", value_or_null(retry_after_seconds(outcome))},
          {"correlation", outcome.correlation}};
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
  http::Response response = json_answer(status_of(outcome.verdict), to_json(outcome));
  if (const auto seconds = retry_after_seconds(outcome); seconds && response.status == 429) {
    response.headers.set("Retry-After", std::to_string(*seconds));
  }
  return response;
}

}  // namespace gpuscale::api
