// SPDX-License-Identifier: Apache-2.0
/// Private to the room: WHERE split into a range of time and what is left for tags and fields. Pure.
#pragma once
#include <optional>

#include "base/result.h"
#include "influxql/ast.h"
#include "influxql/fold.h"
#include "tsdb/store.h"

namespace gpuscale::influxql {

/// The earliest and latest times there are. Source: InfluxDB 1.6.7.
constexpr std::int64_t kMinTime = std::numeric_limits<std::int64_t>::min() + 2;
constexpr std::int64_t kMaxTime = std::numeric_limits<std::int64_t>::max() - 1;

/// Both ends belong to it; an absent one is open.
struct TimeBounds {
  std::optional<std::int64_t> min;
  std::optional<std::int64_t> max;
  void intersect(const TimeBounds& other);
};

struct Condition {
  ExprPtr filter;  ///< null = everything
  TimeBounds time;
};

/// Errors: kInvalidArgument in InfluxDB's words.
Result<Condition> split_condition(const ExprPtr& where, const FoldContext& context);

/// Whether a name is `time`, in any letter case.
bool is_time(const ExprPtr& expr);

}  // namespace gpuscale::influxql
