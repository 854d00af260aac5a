// SPDX-License-Identifier: Apache-2.0
/// Private to the room: arithmetic on literals, done once before a query runs. Pure.
#pragma once
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "influxql/ast.h"
#include "influxql/zone.h"

namespace gpuscale::influxql {

struct FoldContext {
  std::optional<WallTime> now;  ///< absent: now() stays a call
  Zone zone;
};

/// The tree with everything computed that holds literals alone.
ExprPtr fold(const ExprPtr& expr, const FoldContext& context);

/// "2017-07-14", "2017-07-14 02:40:00[.f]" in `zone`, or RFC 3339. Absent where `text` does not look like a
/// time; kInvalidArgument "invalid timestamp string" where it does and is none.
Result<std::optional<std::int64_t>> time_literal(std::string_view text, const Zone& zone);

/// "*influxql.StringLiteral": how InfluxDB's messages name a node.
std::string_view go_type_name(const ExprPtr& expr);

/// A number, text, boolean, duration, time or regular expression.
bool is_literal(const ExprPtr& expr);

}  // namespace gpuscale::influxql
