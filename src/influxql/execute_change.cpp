// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "influxql/condition.h"
#include "influxql/execute.h"
#include "influxql/execute_admin.h"

namespace gpuscale::influxql {

namespace {

constexpr std::int64_t kHour = 3'600'000'000'000;
constexpr std::int64_t kDay = 24 * kHour;

/// InfluxDB's shard duration where none is given: 1 h below two days, 1 d below six months, else 7 d.
std::int64_t shard_duration_for(std::int64_t duration) {
  if (duration == 0 || duration >= 180 * kDay) return 7 * kDay;
  return duration >= 2 * kDay ? kDay : kHour;
}

/// The shard duration that is kept: never below an hour, the default for 0, at most the policy's duration.
std::int64_t normal_shard_duration(std::int64_t wanted, std::int64_t duration) {
  if (wanted == 0) return shard_duration_for(duration);
  return std::max(wanted, kHour);
}

bool bad_name(std::string_view name) {
  return name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos ||
         name.find('\\') != std::string_view::npos;
}

Result<void> check_duration(std::int64_t duration) {
  if (duration == 0 || duration >= kHour) return {};
  return fail(Errc::kInvalidArgument, "retention policy duration must be at least 1h0m0s");
}

Error shard_too_long() {
  return fail(Errc::kInvalidArgument, "retention policy duration must be greater than the shard duration");
}

Result<tsdb::RetentionPolicy> new_policy(const PolicyOptions& options) {
  tsdb::RetentionPolicy out;
  if (!options.name.empty()) out.name = options.name;
  const std::int64_t duration = options.duration_ns.value_or(0);
  GS_CHECK(check_duration(duration));
  const std::int64_t shard = normal_shard_duration(options.shard_duration_ns.value_or(0), duration);
  if (duration != 0 && shard > duration) return shard_too_long();
  out.duration = Nanos{duration};
  out.shard_duration = Nanos{shard};
  out.replication = static_cast<int>(options.replication.value_or(1));
  return out;
}

Result<void> create_database(Run& run, const CreateDatabaseStatement& statement) {
  if (bad_name(statement.name)) return fail(Errc::kInvalidArgument, "invalid name");
  if (!statement.with_policy) {
    const bool bare = !run.context().create_default_policy && !run.store().has_database(statement.name);
    GS_CHECK(run.store().create_database(statement.name, std::nullopt));
    return bare ? run.store().drop_retention_policy(statement.name, tsdb::RetentionPolicy{}.name)
                : Result<void>();
  }
  if (!statement.policy.name.empty() && bad_name(statement.policy.name))
    return fail(Errc::kInvalidArgument, "invalid name");
  GS_TRY(tsdb::RetentionPolicy policy, new_policy(statement.policy));
  auto done = run.store().create_database(statement.name, std::move(policy));
  if (!done && done.error().code() == Errc::kConflict) {
    return fail(Errc::kConflict, "retention policy conflicts with an existing policy");
  }
  return done;
}

Result<void> create_policy(Run& run, const CreatePolicyStatement& statement) {
  if (bad_name(statement.policy.name)) return fail(Errc::kInvalidArgument, "invalid name");
  GS_TRY(const tsdb::RetentionPolicy policy, new_policy(statement.policy));
  GS_CHECK(database_of(run, statement.database, true));
  const auto databases = run.store().databases();
  const auto* present = find_policy(databases, statement.database, policy.name);
  if (present != nullptr && !(*present == policy))
    return fail(Errc::kConflict, "retention policy already exists");
  if (present != nullptr) {
    const auto same = [&](const tsdb::DatabaseInfo& info) { return info.name == statement.database; };
    const auto owner = std::find_if(databases.begin(), databases.end(), same);
    // Observed: who makes it again as the default asks for something else than there is.
    if (statement.policy.make_default && owner->default_policy != policy.name)
      return fail(Errc::kConflict, "retention policy conflicts with an existing policy");
    return {};
  }
  return run.store().create_retention_policy(statement.database, policy, statement.policy.make_default);
}

Result<void> alter_policy(Run& run, const AlterPolicyStatement& statement) {
  GS_CHECK(database_of(run, statement.database, true));
  const auto databases = run.store().databases();
  const auto* present = find_policy(databases, statement.database, statement.policy.name);
  if (present == nullptr)
    return fail(Errc::kNotFound, "retention policy not found: " + statement.policy.name);
  tsdb::RetentionPolicy policy = *present;
  if (statement.policy.duration_ns) {
    GS_CHECK(check_duration(*statement.policy.duration_ns));
    policy.duration = Nanos{*statement.policy.duration_ns};
  }
  if (statement.policy.replication) policy.replication = static_cast<int>(*statement.policy.replication);
  if (statement.policy.shard_duration_ns) {
    policy.shard_duration =
        Nanos{normal_shard_duration(*statement.policy.shard_duration_ns, policy.duration.count())};
  }
  if (policy.duration.count() != 0 && policy.shard_duration > policy.duration) return shard_too_long();
  return run.store().alter_retention_policy(statement.database, policy, statement.policy.make_default);
}

std::vector<tsdb::SeriesId> ids_of(const MatchedSeries& matched) {
  std::vector<tsdb::SeriesId> out;
  for (const auto& series : matched.series) out.push_back(series.id);
  return out;
}

/// What a filter of DELETE or DROP SERIES may name: tags.
bool names_a_field(Run& run, const std::string& database, const MatchedSeries& matched,
                   const ExprPtr& filter) {
  std::set<std::string> fields;  // of any policy
  for (const auto& info : run.store().databases()) {
    if (info.name != database) continue;
    for (const auto& policy : info.policies) {
      for (auto& field : run.store().fields(database, policy.name, matched.measurement))
        fields.insert(std::move(field.key));
    }
  }
  bool found = false;
  walk(filter, [&](const ExprPtr& node) {
    const auto* ref = as<VarRef>(node);
    found = found || (ref != nullptr && fields.contains(ref->name));
  });
  return found;
}

Result<void> drop_series(Run& run, const DropSeriesStatement& statement) {
  GS_TRY(const std::string database, database_of(run, "", true));
  GS_TRY(const Condition condition, split_condition(statement.condition, {run.context().now, {}}));
  if (condition.time.min || condition.time.max) {
    return fail(Errc::kInvalidArgument, "DROP SERIES doesn't support time in WHERE clause");
  }
  GS_TRY(const auto every, match_series(run, database, statement.sources, nullptr, true));
  for (const MatchedSeries& one : every) {
    if (names_a_field(run, database, one, condition.filter)) {
      return fail(Errc::kInvalidArgument, "shard 1: fields not supported in WHERE clause during deletion");
    }
  }
  GS_TRY(const auto matched, match_series(run, database, statement.sources, condition.filter, true));
  for (const MatchedSeries& one : matched) GS_CHECK(run.store().drop_series(database, ids_of(one)));
  return {};
}

Result<void> delete_from(Run& run, const DeleteStatement& statement) {
  GS_TRY(const std::string database, database_of(run, "", true));
  GS_TRY(const Condition condition, split_condition(statement.condition, {run.context().now, {}}));
  GS_TRY(const auto every, match_series(run, database, statement.sources, nullptr, true));
  for (const MatchedSeries& one : every) {
    if (names_a_field(run, database, one, condition.filter)) {
      return fail(Errc::kInvalidArgument, "shard 1: fields not supported in WHERE clause during deletion");
    }
  }
  const tsdb::TimeRange range{condition.time.min.value_or(kMinTime), condition.time.max.value_or(kMaxTime)};
  GS_TRY(const auto matched, match_series(run, database, statement.sources, condition.filter, true));
  for (const MatchedSeries& one : matched) GS_CHECK(run.store().delete_range(database, ids_of(one), range));
  return {};
}

struct Changer {
  Run& run;
  Result<void> operator()(const CreateDatabaseStatement& s) const { return create_database(run, s); }
  Result<void> operator()(const DropDatabaseStatement& s) const {
    if (run.users() != nullptr) GS_CHECK(run.users()->forget_database(s.name));
    return run.store().drop_database(s.name);
  }
  Result<void> operator()(const CreatePolicyStatement& s) const { return create_policy(run, s); }
  Result<void> operator()(const AlterPolicyStatement& s) const { return alter_policy(run, s); }
  Result<void> operator()(const DropPolicyStatement& s) const {
    if (!has_database(run, s.database)) return {};
    return run.store().drop_retention_policy(s.database, s.name);
  }
  Result<void> operator()(const DropMeasurementStatement& s) const {
    GS_TRY(const std::string database, database_of(run, "", true));
    // Observed: what is not there is dropped already.
    auto dropped = run.store().drop_measurement(database, s.name);
    return !dropped && dropped.error().code() == Errc::kNotFound ? Result<void>() : dropped;
  }
  Result<void> operator()(const DropSeriesStatement& s) const { return drop_series(run, s); }
  Result<void> operator()(const DeleteStatement& s) const { return delete_from(run, s); }
  Result<void> operator()(const KillStatement& s) const { return run.running().kill(s.id); }
  Result<void> operator()(const CreateContinuousQueryStatement& s) const {
    return create_continuous_query(run, s);
  }
  Result<void> operator()(const DropContinuousQueryStatement& s) const {
    return run.store().drop_continuous_query(s.database, s.name);
  }
  Result<void> operator()(const CreateUserStatement& s) const { return create_user(run, s); }
  Result<void> operator()(const SetPasswordStatement& s) const { return set_password(run, s); }
  Result<void> operator()(const GrantStatement& s) const { return grant(run, s); }
  Result<void> operator()(const RevokeStatement& s) const { return revoke(run, s); }
  Result<void> operator()(const DropUserStatement& s) const { return drop_user(run, s); }
  Result<void> operator()(const UnofferedStatement& s) const {
    return fail(Errc::kUnsupported, s.feature + " are not offered by this server");
  }
  template <typename Other>
  Result<void> operator()(const Other&) const {
    return fail(Errc::kInternal, "not a statement that changes anything");
  }
};

}  // namespace

Result<void> execute_change(Run& run, const Statement& statement) {
  return std::visit(Changer{run}, statement.node);
}

}  // namespace gpuscale::influxql
