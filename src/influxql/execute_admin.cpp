// SPDX-License-Identifier: Apache-2.0
#include "influxql/execute_admin.h"

#include <algorithm>

#include "base/ascii.h"
#include "influxql/execute.h"

namespace gpuscale::influxql {

namespace {

Error no_users() {
  return fail(Errc::kUnsupported, "users are not offered by this server");
}

/// `measurement` with its database and policy, as InfluxDB stores them in a continuous query.
Result<void> qualify(const std::vector<tsdb::DatabaseInfo>& databases, const std::string& database,
                     Measurement& measurement) {
  if (measurement.database.empty()) measurement.database = database;
  const auto found = std::find_if(databases.begin(), databases.end(),
                                  [&](const auto& info) { return info.name == measurement.database; });
  if (found == databases.end()) return fail(Errc::kNotFound, "database not found: " + measurement.database);
  if (measurement.policy.empty()) measurement.policy = found->default_policy;
  if (measurement.policy.empty())
    return fail(Errc::kNotFound, "default retention policy not set for: " + measurement.database);
  const bool known = std::any_of(found->policies.begin(), found->policies.end(),
                                 [&](const auto& policy) { return policy.name == measurement.policy; });
  if (known) return {};
  return fail(Errc::kNotFound,
              "retention policy not found: " + measurement.database + "." + measurement.policy);
}

Result<SelectStatement> qualified(const std::vector<tsdb::DatabaseInfo>& databases,
                                  const std::string& database, const SelectStatement& select) {
  SelectStatement out = select;
  if (out.target) GS_CHECK(qualify(databases, database, *out.target));
  for (Source& source : out.sources) {
    if (source.subquery) {
      GS_TRY(SelectStatement inner, qualified(databases, database, *source.subquery));
      source.subquery = std::make_shared<const SelectStatement>(std::move(inner));
    } else {
      GS_CHECK(qualify(databases, database, source.measurement));
    }
  }
  return out;
}

}  // namespace

Result<void> create_continuous_query(Run& run, const CreateContinuousQueryStatement& statement) {
  GS_CHECK(database_of(run, statement.database, true));
  CreateContinuousQueryStatement made = statement;
  GS_TRY(SelectStatement select, qualified(run.store().databases(), statement.database, *statement.select));
  made.select = std::make_shared<const SelectStatement>(std::move(select));
  const std::string text = print(Statement{made});
  for (const tsdb::ContinuousQuery& present : run.store().continuous_queries(statement.database)) {
    if (present.name == made.name && base::to_lower(present.text) == base::to_lower(text)) return {};
  }
  return run.store().create_continuous_query(statement.database, {made.name, text});
}

std::vector<Row> show_continuous_queries(const Run& run) {
  std::vector<Row> out;
  for (const tsdb::DatabaseInfo& database : run.store().databases()) {
    Row& row = out.emplace_back();
    row.name = database.name;
    row.columns = {"name", "query"};
    for (const tsdb::ContinuousQuery& query : run.store().continuous_queries(database.name))
      row.values.push_back({Cell(query.name), Cell(query.text)});
  }
  return out;
}

Result<void> create_user(Run& run, const CreateUserStatement& statement) {
  if (run.users() == nullptr) return no_users();
  return run.users()->create(statement.name, statement.password, statement.admin);
}

Result<void> set_password(Run& run, const SetPasswordStatement& statement) {
  if (run.users() == nullptr) return no_users();
  return run.users()->set_password(statement.name, statement.password);
}

Result<void> grant(Run& run, const GrantStatement& statement) {
  if (run.users() == nullptr) return no_users();
  if (!statement.database) return run.users()->set_admin(statement.user, true);
  GS_CHECK(run.users()->grants(statement.user));
  GS_CHECK(database_of(run, *statement.database, true));
  return run.users()->set_grant(statement.user, *statement.database, statement.privilege);
}

Result<void> revoke(Run& run, const RevokeStatement& statement) {
  if (run.users() == nullptr) return no_users();
  if (!statement.database) return run.users()->set_admin(statement.user, false);
  GS_TRY(const auto grants, run.users()->grants(statement.user));
  GS_CHECK(database_of(run, *statement.database, true));
  Privilege left = Privilege::kNone;
  for (const Users::Grant& held : grants) {
    if (held.database == *statement.database) left = held.privilege;
  }
  if (statement.privilege == Privilege::kAll || statement.privilege == left) {
    left = Privilege::kNone;
  } else if (left == Privilege::kAll) {
    left = statement.privilege == Privilege::kRead ? Privilege::kWrite : Privilege::kRead;
  }
  return run.users()->set_grant(statement.user, *statement.database, left);
}

Result<void> drop_user(Run& run, const DropUserStatement& statement) {
  if (run.users() == nullptr) return no_users();
  return run.users()->drop(statement.name);
}

std::vector<Row> show_users(const Run& run) {
  Row row;
  row.columns = {"user", "admin"};
  if (run.users() != nullptr) {
    for (const Users::User& user : run.users()->all())
      row.values.push_back({Cell(user.name), Cell(user.admin)});
  }
  return {std::move(row)};
}

Result<std::vector<Row>> show_grants(const Run& run, const std::string& user) {
  if (run.users() == nullptr) return fail(Errc::kNotFound, "user not found");
  GS_TRY(const auto grants, run.users()->grants(user));
  Row row;
  row.columns = {"database", "privilege"};
  for (const Users::Grant& grant : grants)
    row.values.push_back({Cell(grant.database), Cell(std::string(to_string(grant.privilege)))});
  return std::vector<Row>{std::move(row)};
}

}  // namespace gpuscale::influxql
