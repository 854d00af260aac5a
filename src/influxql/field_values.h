// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what a stored field is to InfluxQL. Pure.
#pragma once
#include <span>
#include <type_traits>

#include "influxql/ast.h"
#include "influxql/value.h"
#include "tsdb/store.h"

namespace gpuscale::influxql {

DataType data_type(metrics::FieldType type);
/// All numbers of a column of that type. T is double or std::int64_t.
template <typename T>
std::span<const T> numbers_of(const tsdb::Column& column) {
  if constexpr (std::is_same_v<T, double>) {
    return column.floats;
  } else {
    return column.integers;
  }
}
/// Borrows from the column where it is a text.
Value value_at(const tsdb::Column& column, std::size_t i);
/// `value` as `wanted`; null where InfluxDB does not cast.
Value cast(const Value& value, DataType wanted);

}  // namespace gpuscale::influxql
