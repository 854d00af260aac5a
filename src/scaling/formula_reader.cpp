// SPDX-License-Identifier: Apache-2.0
#include "scaling/formula_reader.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "alert/alignment.h"
#include "alert/condition.h"
#include "alert/evaluate.h"

namespace gpuscale::scaling {
namespace {

/// A policy looks every 5 s; what takes longer is no answer.
constexpr std::chrono::milliseconds kPatience{4'000};

/// A number as a condition that has it as its tested value.
Result<alert::Condition> parse_formula(const policy::Formula& formula) {
  // Every number is one or the other, or both are absent.
  return alert::parse_condition("(" + formula.value + ") >= 0");
}

alert::Facts facts_of(const PoolStatus& pool) {
  return {{"ready_nodes", pool.counts.ready},
          {"capacity_nodes", pool.counts.capacity()},
          {"draining_nodes", pool.counts.draining},
          {"desired_nodes", pool.desired},
          {"min_nodes", pool.spec.min},
          {"max_nodes", pool.spec.max}};
}

}  // namespace

std::vector<std::string> faults_of(const policy::Formula& formula) {
  std::vector<std::string> out;
  const auto parsed = parse_formula(formula);
  if (!parsed) {
    out.push_back(
        "value \"" + formula.value +
        "\" is no number over queries, as avg(Q, 1m) / ready_nodes is: " + parsed.error().message());
    return out;
  }
  for (const alert::Reduction* reduction : alert::reductions_of(*parsed)) {
    if (!formula.queries.contains(reduction->query))
      out.push_back("value asks for " + reduction->query + ", which queries does not have");
  }
  return out;
}

Result<std::optional<double>> value_of(const policy::Formula& formula, const PoolStatus& pool,
                                       datasource::DataSource& source, WallTime now) {
  GS_TRY(const alert::Condition condition, parse_formula(formula));
  std::vector<alert::Answer> answers;
  for (const alert::Reduction* reduction : alert::reductions_of(condition)) {
    const auto found = formula.queries.find(reduction->query);
    if (found == formula.queries.end()) return fail(Errc::kInvalidArgument, "no query " + reduction->query);
    const alert::AlignedQuery query = alert::align(found->second, reduction->window, now - reduction->delay);
    answers.push_back(source.query({query.text, query.from, query.to, now, kPatience}));
    if (!answers.back()) return answers.back().error();
  }
  const alert::Evaluation seen =
      alert::evaluate(condition, answers, facts_of(pool), alert::Granularity::kPerSeries);
  if (!seen.error.empty()) return fail(Errc::kInvalidArgument, seen.error);
  if (seen.instances.size() > 1) {
    return fail(Errc::kInvalidArgument, "value has " + std::to_string(seen.instances.size()) +
                                            " series; a policy goes by one, so take GROUP BY tags out");
  }
  if (seen.instances.empty()) return std::optional<double>();
  return seen.instances.front().value;
}

}  // namespace gpuscale::scaling
