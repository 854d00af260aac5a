// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what a stored field is to InfluxQL. Pure.
#pragma once
#include "influxql/ast.h"
#include "influxql/value.h"
#include "tsdb/store.h"

namespace gpuscale::influxql {

DataType data_type(metrics::FieldType type);
/// Borrows from the column where it is a text.
Value value_at(const tsdb::Column& column, std::size_t i);
/// `value` as `wanted`; null where InfluxDB does not cast.
Value cast(const Value& value, DataType wanted);

}  // namespace gpuscale::influxql
