// SPDX-License-Identifier: Apache-2.0
#include "tsdb/batch.h"

namespace gpuscale::tsdb {

void BatchWriter::begin_row(SeriesId series, std::int64_t time_ns, std::size_t fields) {
  put_signed(bytes_, wrapping_sub(static_cast<std::int64_t>(series), static_cast<std::int64_t>(series_)));
  put_signed(bytes_, wrapping_sub(time_ns, time_ns_));
  put_varint(bytes_, fields);
  series_ = series;
  time_ns_ = time_ns;
  ++rows_;
}

void BatchWriter::put(FieldId field, const CellValue& value) {
  put_varint(bytes_, (static_cast<std::uint64_t>(field) << 2U) | static_cast<std::uint64_t>(value.type));
  switch (value.type) {
    case FieldType::kFloat:
      put_fixed(bytes_, value.bits);
      break;
    case FieldType::kInteger:
      put_signed(bytes_, static_cast<std::int64_t>(value.bits));
      break;
    case FieldType::kBoolean:
      bytes_.push_back(static_cast<char>(value.bits));
      break;
    case FieldType::kString:
      put_text(bytes_, value.text);
      break;
  }
}

bool BatchReader::next_row() {
  if (!reader_.ok() || reader_.at_end()) return false;
  series_ = static_cast<SeriesId>(wrapping_add(static_cast<std::int64_t>(series_), reader_.signed_varint()));
  time_ns_ = wrapping_add(time_ns_, reader_.signed_varint());
  fields_ = reader_.varint();
  return reader_.ok();
}

bool BatchReader::next_cell(FieldId& field, CellValue& value) {
  const std::uint64_t name = reader_.varint();
  field = static_cast<FieldId>(name >> 2U);
  value = {static_cast<FieldType>(name & 3U), 0, {}};
  switch (value.type) {
    case FieldType::kFloat:
      value.bits = reader_.fixed();
      break;
    case FieldType::kInteger:
      value.bits = static_cast<std::uint64_t>(reader_.signed_varint());
      break;
    case FieldType::kBoolean:
      value.bits = reader_.byte();
      break;
    case FieldType::kString:
      value.text = reader_.text();
      break;
  }
  return reader_.ok();
}

}  // namespace gpuscale::tsdb
