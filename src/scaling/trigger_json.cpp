// SPDX-License-Identifier: Apache-2.0
#include "scaling/trigger_json.h"

#include <string>

namespace gpuscale::scaling {
namespace {

std::optional<Verdict> parse_verdict(std::string_view text) {
  for (const Verdict v : {Verdict::kAccepted, Verdict::kUnchanged, Verdict::kCooldown, Verdict::kConflict}) {
    if (to_string(v) == text) return v;
  }
  return std::nullopt;
}

}  // namespace

nlohmann::json to_json(const TriggerOutcome& outcome) {
  nlohmann::json json{{"status", to_string(outcome.verdict)},
                      {"trigger", outcome.trigger},
                      {"pool", outcome.pool},
                      {"type", to_string(outcome.type)},
                      {"step", outcome.step},
                      {"from", outcome.from},
                      {"to", outcome.to},
                      {"clipped_by", nullptr},
                      {"reason", outcome.reason},
                      {"replayed", outcome.replayed},
                      {"retry_after_seconds", nullptr},
                      {"correlation", outcome.correlation}};
  if (outcome.errand > 0) json["errand"] = outcome.errand;
  if (!outcome.clipped_by.empty()) json["clipped_by"] = outcome.clipped_by;
  if (outcome.retry_after) {
    json["retry_after_seconds"] = std::chrono::ceil<std::chrono::seconds>(*outcome.retry_after).count();
  }
  return json;
}

Result<TriggerOutcome> outcome_from_json(const nlohmann::json& json) {
  // nlohmann throws on a missing or mistyped field; its text names the field.
  try {
    TriggerOutcome outcome;
    const auto verdict = parse_verdict(json.at("status").get<std::string>());
    const auto type = parse_direction(json.at("type").get<std::string>());
    if (!verdict || !type)
      return fail(Errc::kCorrupt, "stored trigger outcome has an unknown status or type");
    outcome.verdict = *verdict;
    outcome.type = *type;
    outcome.trigger = json.at("trigger").get<std::string>();
    outcome.pool = json.at("pool").get<std::string>();
    outcome.step = json.at("step").get<int>();
    outcome.from = json.at("from").get<int>();
    outcome.to = json.at("to").get<int>();
    if (const auto& clip = json.at("clipped_by"); !clip.is_null())
      outcome.clipped_by = clip.get<std::string>();
    outcome.reason = json.at("reason").get<std::string>();
    outcome.replayed = json.at("replayed").get<bool>();
    if (const auto& wait = json.at("retry_after_seconds"); !wait.is_null()) {
      outcome.retry_after = std::chrono::seconds(wait.get<std::int64_t>());
    }
    outcome.correlation = json.at("correlation").get<std::string>();
    outcome.errand = json.value("errand", std::int64_t{0});
    return outcome;
  } catch (const nlohmann::json::exception& e) {
    return fail(Errc::kCorrupt, std::string("stored trigger outcome: ") + e.what());
  }
}

}  // namespace gpuscale::scaling
