// SPDX-License-Identifier: Apache-2.0
/// Private to the room: functions of one row (abs, floor, pow, ...). Pure.
#pragma once
#include <span>
#include <string_view>

#include "influxql/value.h"

namespace gpuscale::influxql {

bool is_math_function(std::string_view name);
/// How many arguments it takes: 2 for atan2, pow and log, else 1.
std::size_t math_arguments(std::string_view name);
/// Null for a null or a value that is no number. Whole-numbered input stays so for abs, ceil, floor and
/// round.
Value math_function(std::string_view name, std::span<const Value> args);

}  // namespace gpuscale::influxql
