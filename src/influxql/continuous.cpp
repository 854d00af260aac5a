// SPDX-License-Identifier: Apache-2.0
#include "influxql/continuous.h"

#include <algorithm>
#include <set>

#include "base/floor_division.h"
#include "influxql/condition.h"
#include "influxql/parser.h"
#include "influxql/select_check.h"
#include "influxql/zone.h"

namespace gpuscale::influxql {

namespace {

/// The start of the interval that holds `t`, counted in local time.
std::int64_t interval_start(std::int64_t t, std::int64_t interval, const Zone& zone) {
  const std::int64_t local = t + zone.offset_at(t);
  const std::int64_t rest = base::floor_rest(local, interval);
  return t - rest;
}

ExprPtr both(ExprPtr a, ExprPtr b) {
  if (!a) return b;
  return make_expr(Binary{Token::kAnd, make_expr(Paren{std::move(a)}), std::move(b)});
}

/// The statement over [begin, end), in the place of what it says of time itself.
Result<SelectStatement> over_range(const SelectStatement& select, const ContinuousRun& run, WallTime now) {
  GS_TRY(Condition condition, split_condition(select.condition, {now, Zone(select.zone)}));
  const auto bound = [](Token op, std::int64_t t) {
    return make_expr(Binary{op, make_expr(VarRef{"time"}), make_expr(t)});
  };
  SelectStatement out = select;
  out.condition =
      both(both(std::move(condition.filter), bound(Token::kGte, run.begin)), bound(Token::kLt, run.end));
  return out;
}

}  // namespace

std::optional<ContinuousRun> continuous_run_at(const ContinuousTimes& times, std::optional<std::int64_t> last,
                                               std::int64_t now_ns) {
  const std::int64_t every = times.every > 0 ? times.every : times.interval;
  std::int64_t next = now_ns;
  if (last) {
    next = *last + every;
    if (next > now_ns) return std::nullopt;
  }
  ContinuousRun out;
  const Zone zone(times.zone);
  out.ran_at = interval_start(now_ns - times.offset, every, zone) + times.offset;
  const std::int64_t span = times.span > 0 ? times.span : std::max(times.interval, every);
  // What runs more often than its interval also computes the interval that has not ended yet.
  const std::int64_t shortest = std::min(every, times.interval);
  out.begin =
      interval_start(next + times.interval - span - times.offset - 1, times.interval, zone) + times.offset;
  out.end =
      interval_start(now_ns + times.interval - shortest - times.offset, times.interval, zone) + times.offset;
  return out;
}

Result<void> ContinuousQueries::run(const std::string& database, const tsdb::ContinuousQuery& query,
                                    WallTime now) {
  GS_TRY(const Statement statement, parse_statement(query.text, {}));
  const auto* made = std::get_if<CreateContinuousQueryStatement>(&statement.node);
  if (made == nullptr) return fail(Errc::kCorrupt, "is no continuous query");
  if (made->select->raw) return fail(Errc::kInvalidArgument, "continuous queries must be aggregate queries");
  GS_TRY(const GroupInterval interval, group_interval(made->select->dimensions, now));
  const ContinuousTimes times{interval.every_ns, interval.offset_ns, made->every_ns, made->for_ns,
                              made->select->zone};
  const auto key = std::pair(database, query.name);
  const auto last = last_runs_.find(key);
  const auto due = continuous_run_at(
      times, last == last_runs_.end() ? std::nullopt : std::optional(last->second), base::to_unix_nanos(now));
  if (!due) return {};
  last_runs_[key] = due->ran_at;
  if (due->end <= due->begin) return {};
  GS_TRY(const SelectStatement select, over_range(*made->select, *due, now));
  QueryContext context;
  context.database = database;
  context.now = now;
  GS_TRY(const auto results, engine_.execute(print(select), context));
  for (const StatementResult& result : results) {
    if (result.error) return fail(result.error_code, *result.error);
  }
  return {};
}

std::vector<ContinuousQueries::Failed> ContinuousQueries::tick(WallTime now) {
  std::vector<Failed> failed;
  std::set<std::pair<std::string, std::string>> present;
  for (const tsdb::DatabaseInfo& database : store_.databases()) {
    for (const tsdb::ContinuousQuery& query : store_.continuous_queries(database.name)) {
      present.emplace(database.name, query.name);
      if (const auto done = run(database.name, query, now); !done)
        failed.push_back({database.name, query.name, done.error().message()});
    }
  }
  std::erase_if(last_runs_, [&present](const auto& entry) { return !present.contains(entry.first); });
  return failed;
}

}  // namespace gpuscale::influxql
