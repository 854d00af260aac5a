// SPDX-License-Identifier: Apache-2.0
/// One look at a condition: from what the queries answered to true, false, absent or failed, with the reason.
/// Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "alert/condition.h"
#include "alert/facts.h"
#include "base/result.h"
#include "base/time.h"
#include "datasource/data_source.h"
#include "metrics/point.h"

namespace gpuscale::alert {

enum class Outcome { kTrue, kFalse, kAbsent, kError };

/// Of a rule that keeps one state per series: one of them.
struct Instance {
  metrics::Tags labels;
  Outcome outcome = Outcome::kAbsent;
  std::optional<double> value;  ///< of the test that decided
};

struct Evaluation {
  Outcome outcome = Outcome::kAbsent;
  /// What was compared with what: "avg(C, 1m) = 61.2 > 45", "avg(C, 1m) = 30, not > 45", "avg(C, 1m): no
  /// data".
  std::string explanation;
  /// One per test and series, at most kMaxValues: {"metric", "value": number|null, "tags": {..}|null,
  /// "matched"}.
  nlohmann::json values = nlohmann::json::array();
  std::optional<WallTime> newest_sample;  ///< of those that have a value
  std::string error;                      ///< of a kError
  std::vector<Instance> instances;        ///< where they were asked for; labels differ
};

inline constexpr std::size_t kMaxValues = 100;
/// A rule with more series than this is in error: each has a state that is kept.
inline constexpr std::size_t kMaxInstances = 10'000;

using Answer = Result<std::vector<datasource::Series>>;

enum class Granularity { kWhole, kPerSeries };

/// `answers`: one per reduction of reductions_of(condition), in that order. A test is true where any of its
/// series passes (Grafana 4.4), absent where none has a value, else false. And, or and not follow Kleene's
/// logic, so that what is absent decides nothing: absent and false is false, absent or true is true, all else
/// with an absent part is absent. Any failed answer makes the whole kError: half of the facts are no basis
/// for acting. Between two numbers of several series each, those with the same tags belong together; a number
/// of one series goes with every one of the other. A division by zero has no value.
Evaluation evaluate(const Condition& condition, const std::vector<Answer>& answers, const Facts& facts = {},
                    Granularity granularity = Granularity::kWhole);
/// The same over answers that several rules share; none is null.
Evaluation evaluate(const Condition& condition, const std::vector<const Answer*>& answers, const Facts& facts,
                    Granularity granularity);

/// "{node=gpu-1}"; "" without labels.
std::string labels_text(const metrics::Tags& labels);

}  // namespace gpuscale::alert
