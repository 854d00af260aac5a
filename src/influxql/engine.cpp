// SPDX-License-Identifier: Apache-2.0
#include "influxql/engine.h"

#include "influxql/execute.h"
#include "influxql/missing_names.h"
#include "influxql/parser.h"
#include "influxql/select_check.h"
#include "influxql/select_run.h"

namespace gpuscale::influxql {

namespace {

struct Need {
  std::string_view privilege;  ///< empty = none
  std::string database;
};

/// What a statement needs, as InfluxDB's RequiredPrivileges.
struct Needs {
  const QueryContext& context;

  std::string named(const std::string& database) const {
    return database.empty() ? context.database : database;
  }
  std::vector<Need> operator()(const SelectStatement& s) const {
    std::vector<Need> out;
    for (const Source& source : s.sources) {
      if (source.subquery) {
        const std::vector<Need> inner = (*this)(*source.subquery);
        out.insert(out.end(), inner.begin(), inner.end());
      } else {
        out.push_back({"READ", named(source.measurement.database)});
      }
    }
    if (s.target) out.push_back({"WRITE", named(s.target->database)});
    return out;
  }
  std::vector<Need> operator()(const ExplainStatement& s) const { return (*this)(*s.select); }
  std::vector<Need> operator()(const ShowStatement& s) const {
    switch (s.kind) {
      case ShowKind::kDatabases:
        return {};
      case ShowKind::kUsers:
      case ShowKind::kGrants:
      case ShowKind::kShards:
      case ShowKind::kShardGroups:
      case ShowKind::kStats:
      case ShowKind::kDiagnostics:
      case ShowKind::kSubscriptions:
        return {{"ALL PRIVILEGES", ""}};
      default:
        return {{"READ", named(s.database)}};
    }
  }
  std::vector<Need> operator()(const DropSeriesStatement&) const { return {{"WRITE", context.database}}; }
  std::vector<Need> operator()(const DeleteStatement&) const { return {{"WRITE", context.database}}; }
  /// It reads and writes as its SELECT does, in the name of nobody.
  std::vector<Need> operator()(const CreateContinuousQueryStatement& s) const {
    QueryContext inside;
    inside.database = s.database;
    std::vector<Need> out = Needs{inside}(*s.select);
    out.push_back({"WRITE", s.database});
    return out;
  }
  std::vector<Need> operator()(const DropContinuousQueryStatement& s) const {
    return {{"WRITE", s.database}};
  }
  template <typename Other>
  std::vector<Need> operator()(const Other&) const {
    return {{"ALL PRIVILEGES", ""}};
  }
};

bool changes_state(const Statement& statement) {
  if (const auto* select = std::get_if<SelectStatement>(&statement.node)) return select->target.has_value();
  return !std::holds_alternative<ShowStatement>(statement.node) &&
         !std::holds_alternative<ExplainStatement>(statement.node);
}

Pieces pieces_of(const Statement& statement) {
  if (std::holds_alternative<ExplainStatement>(statement.node)) return Pieces::kOne;
  const auto* show = std::get_if<ShowStatement>(&statement.node);
  if (show == nullptr || show->kind == ShowKind::kSeries || show->kind == ShowKind::kFieldKeys ||
      show->kind >= ShowKind::kSeriesCardinality)
    return Pieces::kRows;
  const bool of_tags = show->kind == ShowKind::kTagKeys || show->kind == ShowKind::kTagValues;
  return of_tags ? Pieces::kSeries : Pieces::kOne;
}

Result<std::vector<Row>> execute_one(Run& run, const Statement& statement) {
  if (const auto* select = std::get_if<SelectStatement>(&statement.node)) return execute_select(run, *select);
  if (const auto* show = std::get_if<ShowStatement>(&statement.node)) return execute_show(run, *show);
  if (const auto* explain = std::get_if<ExplainStatement>(&statement.node))
    return execute_explain(run, *explain);
  GS_CHECK(execute_change(run, statement));
  return std::vector<Row>();
}

}  // namespace

Result<void> check_reads_only(std::string_view text, WallTime now) {
  auto statements = parse_query(text, {});
  if (!statements) return statements.error().with_context("error parsing query");
  for (const Statement& statement : *statements) {
    if (changes_state(statement))
      return fail(Errc::kInvalidArgument, "a rule may read, not change: " + print(statement));
    if (const auto* select = std::get_if<SelectStatement>(&statement.node)) {
      if (const auto checked = check_select(*select, now); !checked) return checked.error();
    }
  }
  return {};
}

Engine::Engine(tsdb::Store& store, Users* users)
    : store_(store),
      users_(users),
      answers_(std::make_unique<AnswerCache>()),
      running_(std::make_unique<RunningQueries>()) {}

Engine::~Engine() = default;

Result<std::vector<Row>> Engine::run_one(const Statement& statement, const QueryContext& context,
                                         std::vector<Message>& messages) const {
  GS_TRY(const auto ticket,
         running_->enter(print(statement), context.database, context.limits.max_concurrent));
  Run run(store_, users_, *answers_, *running_, ticket, context);
  auto rows = execute_one(run, statement);
  for (const std::string& note : run.notes()) messages.push_back({"info", note});
  return rows;
}

std::string Engine::missing_names(std::string_view text, const QueryContext& context) const {
  const auto statements = parse_query(text, context.params);
  if (!statements) return "";
  for (const Statement& statement : *statements) {
    const auto* select = std::get_if<SelectStatement>(&statement.node);
    if (select == nullptr) continue;
    if (std::string missing = influxql::missing_names(store_, *select, context.database); !missing.empty())
      return missing;
  }
  return "";
}

Result<std::vector<StatementResult>> Engine::execute(std::string_view text,
                                                     const QueryContext& context) const {
  auto parsed = parse_query(text, context.params);
  if (!parsed) return parsed.error().with_context("error parsing query");
  const std::vector<Statement> statements = *std::move(parsed);
  if (context.authorize) {
    for (const Statement& statement : statements) {
      const std::string shown = print(statement);
      for (const Need& need : std::visit(Needs{context}, statement.node)) {
        GS_CHECK(context.authorize(need.privilege, need.database, shown));
      }
    }
  }
  std::vector<StatementResult> results;
  bool failed = false;
  for (const Statement& statement : statements) {
    StatementResult& result = results.emplace_back();
    result.statement_id = static_cast<int>(results.size()) - 1;
    result.pieces = pieces_of(statement);
    if (failed) {
      result.error = "not executed";
      continue;
    }
    auto rows = run_one(statement, context, result.messages);
    if (!rows) {
      result.error = rows.error().message();
      result.error_code = rows.error().code();
      failed = true;
      continue;
    }
    result.rows = *std::move(rows);
    if (context.read_only == ReadOnly::kYes && changes_state(statement)) {
      result.messages.push_back(
          {"warning", "deprecated use of '" + print(statement) +
                          "' in a read only context, please use a POST request instead"});
    }
  }
  return results;
}

}  // namespace gpuscale::influxql
