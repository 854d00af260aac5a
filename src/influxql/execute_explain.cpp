// SPDX-License-Identifier: Apache-2.0
/// EXPLAIN: what a SELECT would read and keep in memory. EXPLAIN ANALYZE: runs it and says what it took. The
/// lines are for people and differ from InfluxDB's, whose lines tell of its own iterators.
#include <chrono>

#include "influxql/execute.h"
#include "influxql/select_run.h"
#include "influxql/select_scope.h"

namespace gpuscale::influxql {

namespace {

class Plan {
 public:
  void add(std::size_t depth, std::string line) {
    lines_.push_back(std::string(2 * depth, ' ') + std::move(line));
  }
  std::vector<Row> rows(const char* column) && {
    Row row;
    row.columns = {column};
    for (std::string& line : lines_) row.values.push_back({Cell(std::move(line))});
    return {std::move(row)};
  }

 private:
  std::vector<std::string> lines_;
};

std::string fields_text(const PreparedSelect& select) {
  std::string out;
  for (const Field& field : select.statement.fields) out += (out.empty() ? "" : ", ") + print(field.expr);
  return out;
}

void explain_select(Run& run, const PreparedSelect& select, const Surroundings* outer, std::size_t depth,
                    Plan& plan) {
  const SelectScope scope(run, select, outer);
  plan.add(depth, "EXPRESSION: " + fields_text(select));
  if (scope.frame.bucketed() && scope.frame.min != kMinTime)
    plan.add(depth, "BUCKETS OF A SERIES: " + std::to_string(scope.frame.buckets()));
  for (const DataSourceRef& source : select.sources) {
    if (source.subquery) {
      plan.add(depth, "SUBQUERY:");
      const Surroundings here = scope.surroundings_in(scope.frame);
      explain_select(run, *source.subquery, &here, depth + 1, plan);
      continue;
    }
    ReadRequest request;
    request.filter = select.condition.filter;
    request.frame = scope.frame;
    request.dimensions = scope.dimensions;
    request.limited_dimensions = scope.limited_dimensions;
    request.slimit = scope.slimit;
    request.soffset = scope.soffset;
    const auto groups = group_series(run, source, request);
    if (!groups) continue;
    std::size_t active = 0;
    for (const tsdb::SeriesId id : groups->ids) {
      if (run.store().has_samples(source.database, source.policy, id, {scope.frame.min, scope.frame.max}))
        ++active;
    }
    plan.add(depth, "SOURCE: " + source.database + "." + source.policy + "." + source.measurement);
    plan.add(depth, "NUMBER OF SERIES: " + std::to_string(groups->ids.size()) + " match, " +
                        std::to_string(active) + " have samples in the range");
    plan.add(depth, "NUMBER OF GROUPS: " + std::to_string(groups->keys.size()));
    plan.add(depth, std::string("FILTER ON FIELDS: ") + (groups->filters_rows ? "yes, row by row" : "no"));
  }
}

}  // namespace

Result<std::vector<Row>> execute_explain(Run& run, const ExplainStatement& explain) {
  GS_TRY(const CheckedSelect checked, check_select(*explain.select, run.context().now));
  GS_TRY(const PreparedSelect prepared, prepare_select(run, checked.statement));
  Plan plan;
  explain_select(run, prepared, nullptr, 0, plan);
  if (!explain.analyze) return std::move(plan).rows("QUERY PLAN");
  const auto begin = std::chrono::steady_clock::now();
  GS_TRY(const SelectRows result, run_select(run, prepared, nullptr));
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  std::size_t rows = 0;
  for (const auto& [key, series] : result.rows) rows += series.times.size();
  plan.add(0, "RESULT: " + std::to_string(result.rows.size()) + " series, " + std::to_string(rows) + " rows");
  plan.add(0, "SAMPLES READ: " + std::to_string(run.points()));
  plan.add(0, "TIME: " + std::to_string(took.count()) + " us");
  return std::move(plan).rows("EXPLAIN ANALYZE");
}

}  // namespace gpuscale::influxql
