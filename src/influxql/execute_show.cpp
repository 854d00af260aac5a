// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "base/floor_division.h"
#include "influxql/condition.h"
#include "influxql/cut.h"
#include "influxql/durations.h"
#include "influxql/execute.h"
#include "influxql/execute_admin.h"
#include "influxql/execute_server.h"
#include "metrics/line_protocol.h"

namespace gpuscale::influxql {

namespace {

using Rows = std::vector<Row>;

/// Conditions of SHOW: what they say of tags, and of time.
Result<Condition> condition_of(const Run& run, const ShowStatement& show) {
  return split_condition(show.condition, {run.context().now, {}});
}

bool has_time(const Condition& condition) {
  return condition.time.min || condition.time.max;
}

std::int64_t floored(std::int64_t t, std::int64_t unit) {
  const std::int64_t rest = base::floor_rest(t, unit);
  return t < kMinTime + rest ? kMinTime : t - rest;
}

/// Leaves the series that have samples in the shards of the range: InfluxDB looks no closer than that.
void keep_active(const Run& run, const std::string& database, const Condition& condition,
                 std::vector<MatchedSeries>& matched) {
  if (!has_time(condition)) return;
  const auto databases = run.store().databases();
  const auto info =
      std::find_if(databases.begin(), databases.end(), [&](const auto& d) { return d.name == database; });
  if (info == databases.end()) return;
  const auto active = [&](const tsdb::SeriesInfo& series) {
    return std::any_of(
        info->policies.begin(), info->policies.end(), [&](const tsdb::RetentionPolicy& policy) {
          const std::int64_t shard = std::max<std::int64_t>(policy.shard_duration.count(), 1);
          const std::int64_t first = floored(condition.time.min.value_or(kMinTime), shard);
          const std::int64_t last = floored(condition.time.max.value_or(kMaxTime), shard);
          const tsdb::TimeRange range{first, last > kMaxTime - shard ? kMaxTime : last + shard - 1};
          return run.store().has_samples(database, policy.name, series.id, range);
        });
  };
  for (MatchedSeries& one : matched)
    std::erase_if(one.series, [&](const auto& series) { return !active(series); });
  std::erase_if(matched, [](const MatchedSeries& one) { return one.series.empty(); });
}

/// Observed: tags are compared for equality alone, whatever else the condition says; a comparison with a
/// number or a boolean is no test of a tag, and holds.
Result<ExprPtr> tag_filter(const ExprPtr& filter) {
  bool comparable = true;
  ExprPtr out = rewrite(filter, [&comparable](const ExprPtr& node) -> ExprPtr {
    const auto* test = as<Binary>(node);
    if (test == nullptr || test->op == Token::kAnd || test->op == Token::kOr) return nullptr;
    const bool equality = test->op == Token::kEq || test->op == Token::kNeq;
    comparable = comparable && (equality || test->op == Token::kEqRegex || test->op == Token::kNeqRegex);
    const bool text = !is<double>(test->rhs) && !is<std::int64_t>(test->rhs) && !is<bool>(test->rhs);
    return text || !is<VarRef>(test->lhs) ? node : make_expr(true);
  });
  if (!comparable) return fail(Errc::kInvalidArgument, "invalid tag comparison operator");
  return out;
}

/// The series that a SHOW is about.
Result<std::vector<MatchedSeries>> series_for(Run& run, const std::string& database,
                                              const ShowStatement& show, const Condition& condition) {
  ExprPtr filter = condition.filter;
  // Observed: SHOW SERIES over a time looks at it as SELECT does.
  if (filter && (show.kind != ShowKind::kSeries || !has_time(condition))) {
    GS_TRY(filter, tag_filter(filter));
  }
  GS_TRY(auto matched, match_series(run, database, show.sources, filter, true));
  keep_active(run, database, condition, matched);
  return matched;
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
  const auto& shown = run.context().shows_database;
  for (const auto& database : run.store().databases()) {
    if (!shown || shown(database.name)) names.push_back(database.name);
  }
  return one_list("databases", "name", names);
}

using Names = std::set<std::string>;

/// `tag op value` for SHOW MEASUREMENTS: of the measurements that have the tag, those of which some value
/// matches; for the negations, those of which none does.
Result<Names> measurements_with(const Binary& test, const std::vector<MatchedSeries>& all) {
  const auto* ref = as<VarRef>(test.lhs);
  const auto* text = as<std::string>(test.rhs);
  const auto* regex = as<RegexLiteral>(test.rhs);
  if (ref == nullptr || (text == nullptr && regex == nullptr)) {
    return fail(Errc::kInvalidArgument, "invalid tag comparison operator");
  }
  const bool wanted = test.op == Token::kEq || test.op == Token::kEqRegex;
  const auto matches = [&](std::string_view value) {
    return regex != nullptr ? regex->pattern->matches(value) : value == *text;
  };
  Names out;
  for (const MatchedSeries& one : all) {
    bool has = ref->name == "_name";
    bool found = has && matches(one.measurement);
    for (const auto& series : one.series) {
      const std::string_view value = metrics::tag_value(*series.tags, ref->name);
      has = has || !value.empty();
      found = found || (!value.empty() && matches(value));
    }
    if (has && found == wanted) out.insert(one.measurement);
  }
  return out;
}

Result<Names> measurements_where(const ExprPtr& filter, const std::vector<MatchedSeries>& all) {
  if (const auto* paren = as<Paren>(filter)) return measurements_where(paren->inner, all);
  const auto* binary = as<Binary>(filter);
  if (binary == nullptr) return fail(Errc::kInvalidArgument, "invalid tag comparison operator");
  if (binary->op != Token::kAnd && binary->op != Token::kOr) return measurements_with(*binary, all);
  GS_TRY(Names left, measurements_where(binary->lhs, all));
  GS_TRY(const Names right, measurements_where(binary->rhs, all));
  if (binary->op == Token::kOr) {
    left.insert(right.begin(), right.end());
  } else {
    std::erase_if(left, [&right](const std::string& name) { return !right.contains(name); });
  }
  return left;
}

Result<Rows> show_measurements(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string database, database_of(run, show.database, false));
  GS_TRY(const Condition condition, condition_of(run, show));
  if (has_time(condition)) {
    return fail(Errc::kInvalidArgument, "SHOW MEASUREMENTS doesn't support time in WHERE clause");
  }
  std::vector<Source> sources;
  if (show.key_op != Token::kEof) sources.push_back({show.with, nullptr});
  GS_TRY(const auto all, match_series(run, database, sources, nullptr, true));
  Names chosen;
  if (condition.filter) {
    GS_TRY(chosen, measurements_where(condition.filter, all));
  } else {
    for (const MatchedSeries& one : all) chosen.insert(one.measurement);
  }
  std::vector<std::string> names(chosen.begin(), chosen.end());
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
  GS_TRY(const Condition condition, condition_of(run, show));
  GS_TRY(const auto matched, series_for(run, database, show, condition));
  Rows out;
  for (const MatchedSeries& one : matched) {
    Row row = make_row(one.measurement, {"tagKey"});
    for (const std::string& key : tag_keys_of(one)) row.values.push_back({Cell(key)});
    cut(row.values, show.offset, show.limit);
    if (!row.values.empty()) out.push_back(std::move(row));
  }
  return out;  // Observed: SLIMIT and SOFFSET are understood here, and limit nothing.
}

/// Without a condition the catalogue knows the answer without a look at every series.
Rows show_all_tag_values(const Run& run, const ShowStatement& show, const std::string& database) {
  Rows out;
  for (const std::string& measurement : match_measurements(run, database, show.sources)) {
    Row row = make_row(measurement, {"key", "value"});
    for (const std::string& key : run.store().tag_keys(database, measurement)) {
      if (!key_wanted(show, key)) continue;
      for (std::string& value : run.store().tag_values(database, measurement, key))
        row.values.push_back({Cell(key), Cell(std::move(value))});
    }
    cut(row.values, show.offset, show.limit);
    if (!row.values.empty()) out.push_back(std::move(row));
  }
  return out;
}

Result<Rows> show_tag_values(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string database, database_of(run, show.database, true));
  if (!show.condition) return show_all_tag_values(run, show, database);
  GS_TRY(const Condition condition, condition_of(run, show));
  GS_TRY(const auto matched, series_for(run, database, show, condition));
  Rows out;
  for (const MatchedSeries& one : matched) {
    Row row = make_row(one.measurement, {"key", "value"});
    for (const auto& [key, value] : tag_values_of(one, show)) row.values.push_back({Cell(key), Cell(value)});
    cut(row.values, show.offset, show.limit);
    if (!row.values.empty()) out.push_back(std::move(row));
  }
  return out;
}

using FieldTypes = std::map<std::string, std::set<metrics::FieldType>>;

/// By measurement, in the policy of its source, of the request, or the default one.
Result<std::map<std::string, FieldTypes>> fields_for(Run& run, const std::string& database,
                                                     const ShowStatement& show) {
  std::map<std::string, FieldTypes> out;
  const auto add = [&](const std::vector<Source>& sources, const std::string& of_source) -> Result<void> {
    const std::string& policy = of_source.empty() ? run.context().policy : of_source;
    if (!policy.empty() && find_policy(run.store().databases(), database, policy) == nullptr)
      return fail(Errc::kNotFound, "retention policy not found: " + policy);
    for (const std::string& measurement : match_measurements(run, database, sources)) {
      // The names of a measurement outlive its series.
      if (run.store().series(database, measurement).empty()) continue;
      for (const auto& field : run.store().fields(database, policy, measurement))
        out[measurement][field.key].insert(field.type);
    }
    return {};
  };
  if (show.sources.empty()) GS_CHECK(add({}, ""));
  for (const Source& source : show.sources) GS_CHECK(add({source}, source.measurement.policy));
  return out;
}

Result<Rows> show_field_keys(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string database, database_of(run, show.database, true));
  GS_TRY(const auto measurements, fields_for(run, database, show));
  Rows out;
  for (const auto& [measurement, fields] : measurements) {
    Row row = make_row(measurement, {"fieldKey", "fieldType"});
    for (const auto& [key, types] : fields) {
      for (const metrics::FieldType type : types)
        row.values.push_back({Cell(key), Cell(std::string(metrics::to_string(type)))});
    }
    cut(row.values, show.offset, show.limit);
    if (!row.values.empty()) out.push_back(std::move(row));
  }
  return out;
}

Result<Rows> show_series(Run& run, const ShowStatement& show) {
  GS_TRY(const std::string database, database_of(run, show.database, true));
  GS_TRY(const Condition condition, condition_of(run, show));
  GS_TRY(const auto matched, series_for(run, database, show, condition));
  std::vector<std::string> keys;
  for (const MatchedSeries& one : matched) {
    const auto first = static_cast<std::ptrdiff_t>(keys.size());
    for (const auto& series : one.series) keys.push_back(metrics::series_key(one.measurement, *series.tags));
    std::sort(keys.begin() + first, keys.end());
  }
  // Observed: by measurement, then key; over a time by key alone, where a blank stands escaped.
  if (has_time(condition)) std::sort(keys.begin(), keys.end());
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

std::size_t cardinality_of(const ShowStatement& show, const std::map<std::string, FieldTypes>& fields,
                           const MatchedSeries& one) {
  switch (show.kind) {
    case ShowKind::kTagKeyCardinality:
      return tag_keys_of(one).size();
    case ShowKind::kTagValuesCardinality:
      return tag_values_of(one, show).size();
    case ShowKind::kFieldKeyCardinality:
      return fields.contains(one.measurement) ? fields.at(one.measurement).size() : 0;
    default:
      return one.series.size();
  }
}

/// How InfluxDB names a cardinality that it refuses to narrow by time.
std::string timeless_name(ShowKind kind) {
  switch (kind) {
    case ShowKind::kMeasurementCardinality:
      return "SHOW MEASUREMENT EXACT CARDINALITY";
    case ShowKind::kTagKeyCardinality:
      return "SHOW TAG KEY EXACT CARDINALITY";
    case ShowKind::kFieldKeyCardinality:
      return "SHOW FIELD KEY CARDINALITY";
    default:
      return "SHOW SERIES EXACT CARDINALITY";
  }
}

/// Observed: when it counts tag values, `!~` passes over series that lack the tag.
ExprPtr requiring_tags(const ExprPtr& filter) {
  return rewrite(filter, [](const ExprPtr& node) -> ExprPtr {
    const auto* test = as<Binary>(node);
    if (test == nullptr || test->op != Token::kNeqRegex) return nullptr;
    return make_expr(
        Binary{Token::kAnd, node, make_expr(Binary{Token::kNeq, test->lhs, make_expr(std::string())})});
  });
}

Result<Rows> show_cardinality(Run& run, const ShowStatement& show) {
  const bool by_name = show.kind == ShowKind::kTagKeyCardinality ||
                       show.kind == ShowKind::kTagValuesCardinality ||
                       show.kind == ShowKind::kFieldKeyCardinality;
  const bool plain = !show.exact && show.sources.empty() && !show.condition && show.dimensions.empty();
  const bool estimated = !by_name && plain;
  GS_TRY(const Condition condition, condition_of(run, show));
  if (has_time(condition) && show.kind != ShowKind::kTagValuesCardinality) {
    return fail(Errc::kInvalidArgument, timeless_name(show.kind) + " doesn't support time in WHERE clause");
  }
  GS_TRY(const std::string database, database_of(run, show.database, !estimated));
  const bool of_values = show.kind == ShowKind::kTagValuesCardinality;
  const ExprPtr filter = of_values ? requiring_tags(condition.filter) : condition.filter;
  GS_TRY(auto matched, match_series(run, database, show.sources, filter, true));
  keep_active(run, database, condition, matched);
  if (show.kind == ShowKind::kMeasurementCardinality) {
    if (!estimated && matched.empty()) return Rows();
    return one_count("", estimated ? "cardinality estimation" : "count", matched.size());
  }
  if (estimated) {
    std::size_t all = 0;
    for (const MatchedSeries& one : matched) all += one.series.size();
    return one_count("", "cardinality estimation", all);
  }
  std::map<std::string, FieldTypes> fields;
  if (show.kind == ShowKind::kFieldKeyCardinality) {
    GS_TRY(fields, fields_for(run, database, show));
  }
  Rows out;
  for (const MatchedSeries& one : matched) {
    const std::size_t count = cardinality_of(show, fields, one);
    if (count == 0) continue;
    Rows row = one_count(one.measurement, "count", count);
    cut(row.front().values, show.offset, show.limit);
    if (!row.front().values.empty()) out.push_back(std::move(row.front()));
  }
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
      return show_users(run);
    case ShowKind::kGrants:
      return show_grants(run, show.database);
    case ShowKind::kQueries:
      return show_queries(run);
    case ShowKind::kStats:
      return show_stats(run, show.database);
    case ShowKind::kDiagnostics:
      return show_diagnostics(run, show.database);
    case ShowKind::kShards:
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
