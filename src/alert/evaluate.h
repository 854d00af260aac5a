// SPDX-License-Identifier: Apache-2.0
/// One look at a condition: from what the queries answered to true, false, absent or failed, with the reason.
/// Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "alert/condition.h"
#include "base/result.h"
#include "base/time.h"
#include "datasource/data_source.h"

namespace gpuscale::alert {

enum class Outcome { kTrue, kFalse, kAbsent, kError };

struct Evaluation {
  Outcome outcome = Outcome::kAbsent;
  /// What was compared with what: "avg(C, 1m) = 61.2 > 45", "avg(C, 1m) = 30, not > 45", "avg(C, 1m): no
  /// data".
  std::string explanation;
  /// One per term and series, at most kMaxValues: {"metric", "value": number|null, "tags": {..}|null,
  /// "matched"}.
  nlohmann::json values = nlohmann::json::array();
  std::optional<WallTime> newest_sample;  ///< of those that have a value
  std::string error;                      ///< of a kError
};

inline constexpr std::size_t kMaxValues = 100;

using Answer = Result<std::vector<datasource::Series>>;

/// `answers`: one per term of terms_of(condition), in that order. A term is true where any of its series
/// passes (Grafana 4.4), absent where none has a value, else false. And/or follow Kleene's logic, so that
/// what is absent decides nothing: absent and false is false, absent or true is true, all else with an absent
/// part is absent. Any failed answer makes the whole kError: half of the facts are no basis for acting.
Evaluation evaluate(const Condition& condition, const std::vector<Answer>& answers);

}  // namespace gpuscale::alert
