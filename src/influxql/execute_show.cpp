// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "influxql/condition.h"
#include "influxql/durations.h"
#include "influxql/execute.h"
#include "metrics/line_protocol.h"

namespace gpuscale::influxql {

namespace {

using Rows = std::vector<Row>;

template <typename T>
void cut(std::vector<T>& list, std::int64_t offset, std::int64_t limit) {
  const auto size = static_cast<std::int64_t>(list.size());
  const std::int64_t from = std::min(offset, size);
  const std::int64_t to = limit > 0 && limit < size - from ? from + limit : size;
  list.erase(list.begin() + to, list.end());
  list.erase(list.begin(), list.begin() + from);
}

Row make_row(std::string name, std::vector<std::string> columns) {
  Row out;
  out.name = std::move(name);
  out.columns = std::move(columns);
  return out;
}

/// WHERE without what it says of time: that narrows nothing here.
Result<ExprPtr> tag_filter(const Run& run, const ExprPtr& condition) {
  GS_TRY(Condition split, split_condition(condition, {run.context().now, {}}));
  return split.filter;
}

bool key_wanted(const ShowStatement& show, const std::string& key) {
  switch (show.key_op) {
    case Token::kNeq:
      return key != show.keys.front();
    case Token::kEqRegex:
      return show.key_pattern->matches(key);
    case Token::kNeqRegex:
      return !show.key_pattern->matches(key);
    default:
      return std::find(show.keys.begin(), show.keys.end(), key) != show.keys.end();
  }
}

Rows one_list(std::string name, std::string column, const std::vector<std::string>& items) {
  Row row = make_row(std::move(name), {std::move(column)});
  for (const std::string& item : items) row.values.push_back({Cell(item)});
  Rows out;
  out.push_back(std::move(row));
  return out;
}

Rows show_databases(const Run& run) {
  std::vector<std::string> names;
  for (const auto& database : run.store().databases()) names.push_back(database.name);
  return one_list("databases", "name", names);
}

Result<Rows> show_measurements(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string database, database_of(run, show.database, false));
  GS_TRY(const ExprPtr filter, tag_filter(run, show.condition));
  std::vector<Source> sources;
  if (show.key_op != Token::kEof) sources.push_back({show.with, nullptr});
  GS_TRY(const auto matched, match_series(run, database, sources, filter, true));
  std::vector<std::string> names;
  for (const MatchedSeries& one : matched) names.push_back(one.measurement);
  cut(names, show.offset, show.limit);
  if (names.empty()) return Rows();
  return one_list("measurements", "name", names);
}

std::set<std::string> tag_keys_of(const MatchedSeries& matched) {
  std::set<std::string> keys;
  for (const auto& series : matched.series) {
    for (const auto& tag : *series.tags) keys.insert(tag.key);
  }
  return keys;
}

std::set<std::pair<std::string, std::string>> tag_values_of(const MatchedSeries& matched,
                                                            const ShowStatement& show) {
  std::set<std::pair<std::string, std::string>> pairs;
  for (const auto& series : matched.series) {
    for (const auto& tag : *series.tags) {
      if (key_wanted(show, tag.key)) pairs.emplace(tag.key, tag.value);
    }
  }
  return pairs;
}

Result<Rows> show_tag_keys(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string database, database_of(run, show.database, true));
  GS_TRY(const ExprPtr filter, tag_filter(run, show.condition));
  GS_TRY(const auto matched, match_series(run, database, show.sources, filter, true));
  Rows out;
  for (const MatchedSeries& one : matched) {
    Row row = make_row(one.measurement, {"tagKey"});
    for (const std::string& key : tag_keys_of(one)) row.values.push_back({Cell(key)});
    cut(row.values, show.offset, show.limit);
    if (!row.values.empty()) out.push_back(std::move(row));
  }
  cut(out, show.soffset, show.slimit);
  return out;
}

Result<Rows> show_tag_values(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string database, database_of(run, show.database, true));
  GS_TRY(const ExprPtr filter, tag_filter(run, show.condition));
  GS_TRY(const auto matched, match_series(run, database, show.sources, filter, true));
  Rows out;
  for (const MatchedSeries& one : matched) {
    Row row = make_row(one.measurement, {"key", "value"});
    for (const auto& [key, value] : tag_values_of(one, show)) row.values.push_back({Cell(key), Cell(value)});
    cut(row.values, show.offset, show.limit);
    if (!row.values.empty()) out.push_back(std::move(row));
  }
  return out;
}

Result<Rows> show_field_keys(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string database, database_of(run, show.database, true));
  GS_TRY(const auto matched, match_series(run, database, show.sources, nullptr, false));
  Rows out;
  for (const MatchedSeries& one : matched) {
    Row row = make_row(one.measurement, {"fieldKey", "fieldType"});
    for (const auto& field : run.store().fields(database, one.measurement)) {
      row.values.push_back({Cell(field.key), Cell(std::string(metrics::to_string(field.type)))});
    }
    cut(row.values, show.offset, show.limit);
    if (!row.values.empty()) out.push_back(std::move(row));
  }
  return out;
}

Result<Rows> show_series(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string database, database_of(run, show.database, true));
  GS_TRY(const ExprPtr filter, tag_filter(run, show.condition));
  GS_TRY(const auto matched, match_series(run, database, show.sources, filter, true));
  std::vector<std::string> keys;
  for (const MatchedSeries& one : matched) {
    for (const auto& series : one.series) keys.push_back(metrics::series_key(one.measurement, *series.tags));
  }
  std::sort(keys.begin(), keys.end());
  cut(keys, show.offset, show.limit);
  if (keys.empty()) return Rows();
  return one_list("", "key", keys);
}

Result<Rows> show_policies(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string name, database_of(run, show.database, true));
  Row row = make_row("", {"name", "duration", "shardGroupDuration", "replicaN", "default"});
  for (const auto& database : run.store().databases()) {
    if (database.name != name) continue;
    for (const auto& policy : database.policies) {
      row.values.push_back({Cell(policy.name), Cell(print_go_duration(policy.duration.count())),
                            Cell(print_go_duration(policy.shard_duration.count())),
                            Cell(std::int64_t{policy.replication}),
                            Cell(policy.name == database.default_policy)});
    }
  }
  Rows out;
  out.push_back(std::move(row));
  return out;
}

Rows one_count(std::string name, std::string column, std::size_t count) {
  Row row = make_row(std::move(name), {std::move(column)});
  row.values.push_back({Cell(static_cast<std::int64_t>(count))});
  Rows out;
  out.push_back(std::move(row));
  return out;
}

std::size_t cardinality_of(Run& run, const ShowStatement& show, const std::string& database,
                           const MatchedSeries& one) {
  switch (show.kind) {
    case ShowKind::kTagKeyCardinality:
      return tag_keys_of(one).size();
    case ShowKind::kTagValuesCardinality:
      return tag_values_of(one, show).size();
    case ShowKind::kFieldKeyCardinality:
      return run.store().fields(database, one.measurement).size();
    default:
      return one.series.size();
  }
}

Result<Rows> show_cardinality(Run& run, const ShowStatement& show) {
  const bool by_name = show.kind == ShowKind::kTagKeyCardinality ||
                       show.kind == ShowKind::kTagValuesCardinality ||
                       show.kind == ShowKind::kFieldKeyCardinality;
  const bool plain = !show.exact && show.sources.empty() && !show.condition && show.dimensions.empty();
  const bool estimated = !by_name && plain;
  GS_TRY(const std::string database, database_of(run, show.database, !estimated));
  GS_TRY(const ExprPtr filter, tag_filter(run, show.condition));
  GS_TRY(const auto matched, match_series(run, database, show.sources, filter, true));
  if (show.kind == ShowKind::kMeasurementCardinality) {
    return one_count("", estimated ? "cardinality estimation" : "count", matched.size());
  }
  if (estimated) {
    std::size_t all = 0;
    for (const MatchedSeries& one : matched) all += one.series.size();
    return one_count("", "cardinality estimation", all);
  }
  Rows out;
  for (const MatchedSeries& one : matched) {
    const std::size_t count = cardinality_of(run, show, database, one);
    if (count == 0) continue;
    Rows row = one_count(one.measurement, "count", count);
    cut(row.front().values, show.offset, show.limit);
    if (!row.front().values.empty()) out.push_back(std::move(row.front()));
  }
  return out;
}

Rows headed(std::vector<std::string> columns) {
  Rows out;
  out.push_back(make_row("", std::move(columns)));
  return out;
}

Rows show_continuous_queries(const Run& run) {
  Rows out;
  for (const auto& database : run.store().databases())
    out.push_back(make_row(database.name, {"name", "query"}));
  return out;
}

}  // namespace

Result<std::vector<Row>> execute_show(Run& run, const ShowStatement& show) {
  switch (show.kind) {
    case ShowKind::kDatabases:
      return show_databases(run);
    case ShowKind::kMeasurements:
      return show_measurements(run, show);
    case ShowKind::kTagKeys:
      return show_tag_keys(run, show);
    case ShowKind::kTagValues:
      return show_tag_values(run, show);
    case ShowKind::kFieldKeys:
      return show_field_keys(run, show);
    case ShowKind::kSeries:
      return show_series(run, show);
    case ShowKind::kRetentionPolicies:
      return show_policies(run, show);
    case ShowKind::kContinuousQueries:
      return show_continuous_queries(run);
    case ShowKind::kUsers:
      return headed({"user", "admin"});
    case ShowKind::kGrants:
      return fail(Errc::kNotFound, "user not found");
    case ShowKind::kQueries:
      return headed({"qid", "query", "database", "duration"});
    case ShowKind::kShards:
    case ShowKind::kStats:
    case ShowKind::kDiagnostics:
    case ShowKind::kSubscriptions:
      return Rows();
    case ShowKind::kShardGroups: {
      Rows out;
      out.push_back(make_row(
          "shard groups", {"id", "database", "retention_policy", "start_time", "end_time", "expiry_time"}));
      return out;
    }
    default:
      return show_cardinality(run, show);
  }
}

}  // namespace gpuscale::influxql
