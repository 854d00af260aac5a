// SPDX-License-Identifier: Apache-2.0
/// Alerting as Grafana 4.4.3 does it, for rules with `profile: grafana-4.4`: checked vector for vector
/// against results that its own code computed (tests/vectors_test.cpp). docs/alerting.md says which of its
/// faults the product's own profile mends. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alert/condition.h"
#include "alert/evaluate.h"
#include "base/result.h"

namespace gpuscale::alert::grafana44 {

/// The evaluator of an alert's JSON: {"type": "gt", "params": [45]}. Errors: kInvalidArgument in Grafana's
/// words.
Result<Comparison> read_evaluator(const nlohmann::json& evaluator);

struct Match {
  std::string metric;
  std::optional<double> value;
};

/// What one condition of an alert found.
struct Found {
  bool firing = false;
  bool no_data = false;  ///< no series has a value; also where there is no series
  std::vector<Match> matches;
};

/// Reduces each series (absent for a reducer that 4.4 does not know) and fires where any of them passes.
/// Without series no value is tested, and the match is named "NoData".
Found look(std::optional<Reducer> reducer, const Comparison& test,
           const std::vector<datasource::Series>& series);

/// One condition and how it joins those before it; the first one's operator counts too.
struct Link {
  bool is_or = false;
  std::optional<Found> found;  ///< nullopt = its query failed; nothing after it is looked at
};

struct Combined {
  bool firing = true;
  bool no_data = true;
  bool error = false;
  std::string evals;  ///< "[true OR false] = true"
};

/// From left to right, without precedence.
Combined combine(const std::vector<Link>& links);

enum class State { kPending, kOk, kAlerting, kNoData, kPaused };
/// "pending", "ok", "alerting", "no_data", "paused".
std::string_view to_string(State state);
std::optional<State> parse_state(std::string_view text);

struct Options {
  std::optional<State> on_no_data = State::kNoData;  ///< nullopt = keep_state
  bool keep_on_error = false;                        ///< else alerting
};

struct Transition {
  State state = State::kPending;
  bool changed = false;  ///< an annotation is written
  bool notify = false;
};

enum class Seen { kFiring, kOk, kNoData, kError };
Transition advance(State state, Seen seen, const Options& options);

/// The condition's tests from left to right with the word before each; nullopt for what 4.4 has no words for
/// (brackets, not, calculations, facts).
struct Step {
  bool is_or = false;
  const Condition* test = nullptr;
};
std::optional<std::vector<Step>> chain_of(const Condition& condition);

/// As alert::evaluate(), by these rules. `condition` is one that chain_of() takes.
Evaluation evaluate(const Condition& condition, const std::vector<const Answer*>& answers);

/// Seconds of a rule's frequency: digits and s, m or h; any other unit counts as seconds ("1d" = 1). Errors:
/// kInvalidArgument where it does not begin with a digit.
Result<std::int64_t> parse_frequency(std::string_view text);
/// Whether a query's range is taken: a Go duration ("1d" is none), `to` also "now" and "now-<duration>".
bool is_valid_from(std::string_view text);
bool is_valid_to(std::string_view text);

}  // namespace gpuscale::alert::grafana44
