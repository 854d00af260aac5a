// SPDX-License-Identifier: Apache-2.0
/// Private to the room: whether a SELECT makes sense before any data is looked at: calls and their arguments,
/// what may stand beside what, GROUP BY. Pure. Source: InfluxDB 1.6.7's answers.
#pragma once
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "influxql/ast.h"
#include "influxql/condition.h"

namespace gpuscale::influxql {

struct GroupInterval {
  std::int64_t every_ns = 0;  ///< 0 = no time() in GROUP BY
  std::int64_t offset_ns = 0;
};

/// The time() among the dimensions. Errors as InfluxDB words them.
Result<GroupInterval> group_interval(const std::vector<ExprPtr>& dimensions, WallTime now);

/// A SELECT that passed: `time` taken out of its fields, DISTINCT turned into calls, constants folded, the
/// condition split. Subqueries are checked and rewritten likewise.
struct CheckedSelect {
  SelectStatement statement;
  GroupInterval interval;
  Condition condition;
};
Result<CheckedSelect> check_select(const SelectStatement& statement, WallTime now);

bool is_selector(std::string_view function);

}  // namespace gpuscale::influxql
