// SPDX-License-Identifier: Apache-2.0
#include "alert/evaluate.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gpuscale::alert {
namespace {

std::string short_number(double value) {
  std::array<char, 32> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.4g", value);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

nlohmann::json tags_of(const metrics::Tags& tags) {
  if (tags.empty()) return nullptr;
  nlohmann::json out = nlohmann::json::object();
  for (const metrics::Tag& tag : tags) out[tag.key] = tag.value;
  return out;
}

/// Looks at the terms from left to right; each takes the next of the answers.
class Evaluator {
 public:
  explicit Evaluator(const std::vector<Answer>& answers) : answers_(answers) {}

  Evaluation run(const Condition& condition) {
    evaluation_.outcome = visit(condition);
    if (!evaluation_.error.empty()) {
      evaluation_.outcome = Outcome::kError;
      evaluation_.explanation = evaluation_.error;
    }
    return std::move(evaluation_);
  }

 private:
  Outcome visit(const Condition& condition) {
    if (condition.kind == Condition::Kind::kTerm) return look(condition.term);
    const bool is_and = condition.kind == Condition::Kind::kAnd;
    const Outcome decisive = is_and ? Outcome::kFalse : Outcome::kTrue;
    Outcome whole = is_and ? Outcome::kTrue : Outcome::kFalse;
    // Every operand is looked at, also once the answer is known: the explanation names them all.
    for (const Condition& operand : condition.operands) {
      const Outcome part = visit(operand);
      if (whole == decisive) continue;
      if (part == decisive || part == Outcome::kAbsent) whole = part;
    }
    return whole;
  }

  Outcome look(const Term& term) {
    const Answer& answer = answers_.at(next_++);
    if (!answer) {
      if (evaluation_.error.empty())
        evaluation_.error = "query " + term.query + ": " + answer.error().message();
      return Outcome::kError;
    }
    bool any_value = false;
    const datasource::Series* shown = nullptr;
    std::optional<double> shown_value;
    bool any_match = false;
    for (const datasource::Series& series : *answer) {
      const auto value = reduce(term.reducer, series.samples);
      const bool matched = passes(term.test, value);
      note(series, value, matched);
      any_value = any_value || value.has_value();
      if ((matched && !any_match) || shown == nullptr || (!shown_value && value && !any_match)) {
        shown = &series;
        shown_value = value;
      }
      any_match = any_match || matched;
    }
    const bool absence_wanted = term.test.kind == Comparison::Kind::kAbsent;
    if (answer->empty() && absence_wanted) any_match = true;
    explain(term, shown_value, any_match, answer->size() > 1 && shown != nullptr ? shown->name : "");
    if (any_match) return Outcome::kTrue;
    return any_value || absence_wanted ? Outcome::kFalse : Outcome::kAbsent;
  }

  void note(const datasource::Series& series, std::optional<double> value, bool matched) {
    for (auto sample = series.samples.rbegin(); sample != series.samples.rend(); ++sample) {
      if (!sample->value) continue;
      evaluation_.newest_sample = std::max(evaluation_.newest_sample.value_or(sample->at), sample->at);
      break;
    }
    if (evaluation_.values.size() >= kMaxValues) return;
    evaluation_.values.push_back({{"metric", series.name},
                                  {"value", value ? nlohmann::json(*value) : nlohmann::json()},
                                  {"tags", tags_of(series.tags)},
                                  {"matched", matched}});
  }

  void explain(const Term& term, std::optional<double> value, bool matched, const std::string& of) {
    std::string& text = evaluation_.explanation;
    if (!text.empty()) text += "; ";
    text += operand_text(term);
    if (!value) {
      text += ": no data";
      return;
    }
    const std::string test = test_text(term.test);
    text += " = " + short_number(*value) + (matched ? " " : ", not ") + test;
    if (!of.empty()) text += " (" + of + ")";
  }

  const std::vector<Answer>& answers_;
  std::size_t next_ = 0;
  Evaluation evaluation_;
};

}  // namespace

Evaluation evaluate(const Condition& condition, const std::vector<Answer>& answers) {
  return Evaluator(answers).run(condition);
}

}  // namespace gpuscale::alert
