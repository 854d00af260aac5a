// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a value while a query runs. Texts are borrowed from columns that the query keeps
/// alive.
#pragma once
#include <cstdint>
#include <string_view>
#include <variant>

namespace gpuscale::influxql {

/// monostate = null.
using Value = std::variant<std::monostate, double, std::int64_t, bool, std::string_view>;

inline bool is_null(const Value& value) {
  return value.index() == 0;
}

/// Of what is no number: 0.
inline double number_or_zero(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return 0;
}

}  // namespace gpuscale::influxql
