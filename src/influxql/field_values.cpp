// SPDX-License-Identifier: Apache-2.0
#include "influxql/field_values.h"

namespace gpuscale::influxql {

DataType data_type(metrics::FieldType type) {
  switch (type) {
    case metrics::FieldType::kFloat:
      return DataType::kFloat;
    case metrics::FieldType::kInteger:
      return DataType::kInteger;
    case metrics::FieldType::kString:
      return DataType::kString;
    case metrics::FieldType::kBoolean:
      return DataType::kBoolean;
  }
  return DataType::kUnknown;
}

Value value_at(const tsdb::Column& column, std::size_t i) {
  switch (column.type) {
    case metrics::FieldType::kFloat:
      return column.floats[i];
    case metrics::FieldType::kInteger:
      return column.integers[i];
    case metrics::FieldType::kString:
      return std::string_view(column.strings[i]);
    case metrics::FieldType::kBoolean:
      return column.booleans[i] != 0;
  }
  return {};
}

Value cast(const Value& value, DataType wanted) {
  const auto* number = std::get_if<double>(&value);
  const auto* integer = std::get_if<std::int64_t>(&value);
  const bool text = std::holds_alternative<std::string_view>(value);
  const bool flag = std::holds_alternative<bool>(value);
  switch (wanted) {
    case DataType::kFloat:
      return integer != nullptr ? Value(static_cast<double>(*integer)) : number != nullptr ? value : Value();
    case DataType::kInteger:
      return number != nullptr    ? Value(static_cast<std::int64_t>(*number))
             : integer != nullptr ? value
                                  : Value();
    case DataType::kString:
      return text ? value : Value();
    case DataType::kBoolean:
      return flag ? value : Value();
    default:
      return value;
  }
}

}  // namespace gpuscale::influxql
