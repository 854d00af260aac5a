// SPDX-License-Identifier: Apache-2.0
/// Private to the room: functions from one row of points to another: derivative, difference, moving_average,
/// cumulative_sum, elapsed, integral; and the filling of empty buckets. Pure. Source: InfluxDB 1.6.7,
/// observed.
#pragma once
#include "base/result.h"
#include "influxql/ast.h"
#include "influxql/rows.h"
#include "influxql/window.h"

namespace gpuscale::influxql {

bool is_transformation(std::string_view function);
/// holt_winters and the like: checked, then refused, as the server does not offer them.
bool is_unoffered(std::string_view function);
/// exponential_moving_average and the other functions of the stock exchange, none of them offered.
bool is_indicator(std::string_view function);
/// How much earlier than the range a transformation's input has to begin, in buckets.
std::int64_t buckets_before(const Call& call);

/// Input and output in the order of the frame; null points are passed over.
Points transform(const Call& call, const Points& in, const TimeFrame& frame);
Points integrate(const Call& call, const Points& in, const TimeFrame& frame);

struct Filling {
  Fill how = Fill::kNull;
  FillValue value = 0.0;
};
/// How many points fill_buckets() makes.
struct FillLimits {
  std::size_t enough = 0;  ///< no more are looked for; 0 = all
  std::size_t most = 0;    ///< more are an error; 0 = any number
};
/// One point for every bucket of the range. @param type of the values. Errors: too_many_buckets().
Result<Points> fill_buckets(Points in, const TimeFrame& frame, const Filling& filling, DataType type,
                            std::size_t aux_width, const FillLimits& limits);
/// kExhausted in InfluxDB's words.
Error too_many_buckets(std::uint64_t buckets, std::size_t most);

/// The fill value as a value of this type; null where it cannot be one.
Value fill_as(const FillValue& value, DataType type);

}  // namespace gpuscale::influxql
