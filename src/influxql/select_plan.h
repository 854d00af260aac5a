// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a checked SELECT brought together with the store's catalogue: sources found,
/// wildcards expanded, types known, columns named.
#pragma once
#include <string>
#include <vector>

#include "influxql/select_check.h"
#include "influxql/source.h"

namespace gpuscale::influxql {

struct PreparedSelect {
  SelectStatement statement;  ///< its fields typed and without wildcards
  std::vector<DataSourceRef> sources;
  Condition condition;
  GroupInterval interval;
  std::vector<std::string> dimensions;  ///< grouping tags, ascending
  std::vector<std::string> columns;     ///< with `time` in front
  std::vector<DataType> types;          ///< of the fields
};

/// Errors: of the lookup (database or policy missing) and of wildcards where none may stand.
Result<PreparedSelect> prepare_select(Run& run, const SelectStatement& checked);

/// The type of an expression over these sources.
DataType type_of(const ExprPtr& expr, const std::vector<DataSourceRef>& sources);
/// The name that a field gets without an alias.
std::string field_name(const ExprPtr& expr);

}  // namespace gpuscale::influxql
