// SPDX-License-Identifier: Apache-2.0
/// Private to the room: users, their privileges and continuous queries.
#pragma once
#include "influxql/ast.h"
#include "influxql/run.h"

namespace gpuscale::influxql {

Result<void> create_continuous_query(Run& run, const CreateContinuousQueryStatement& statement);
std::vector<Row> show_continuous_queries(const Run& run);

/// Errors of all that follow: kUnsupported where this engine knows no users, and those of Users.
Result<void> create_user(Run& run, const CreateUserStatement& statement);
Result<void> set_password(Run& run, const SetPasswordStatement& statement);
Result<void> grant(Run& run, const GrantStatement& statement);
Result<void> revoke(Run& run, const RevokeStatement& statement);
Result<void> drop_user(Run& run, const DropUserStatement& statement);
std::vector<Row> show_users(const Run& run);
Result<std::vector<Row>> show_grants(const Run& run, const std::string& user);

}  // namespace gpuscale::influxql
