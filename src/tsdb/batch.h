// SPDX-License-Identifier: Apache-2.0
/// Private to the room: one acknowledged batch as it stands in the log. It names series and fields by their
/// ids, whose definitions are committed in the same transaction; each value carries its type, so that a batch
/// stays readable after its measurement was dropped.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "tsdb/byte_code.h"
#include "tsdb/column_block.h"

namespace gpuscale::tsdb {

class BatchWriter {
 public:
  explicit BatchWriter(PolicyId policy) { put_varint(bytes_, policy); }
  void begin_row(SeriesId series, std::int64_t time_ns, std::size_t fields);
  void put(FieldId field, const CellValue& value);

  std::size_t rows() const { return rows_; }
  std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
  std::size_t rows_ = 0;
  SeriesId series_ = 0;
  std::int64_t time_ns_ = 0;
};

/// Reads a batch row by row: while (reader.next_row()) for each of fields(): reader.next_cell(...).
class BatchReader {
 public:
  explicit BatchReader(std::string_view bytes)
      : reader_(bytes), policy_(static_cast<PolicyId>(reader_.varint())) {}

  bool next_row();
  bool next_cell(FieldId& field, CellValue& value);
  /// False once the bytes proved malformed.
  bool ok() const { return reader_.ok(); }

  PolicyId policy() const { return policy_; }
  SeriesId series() const { return series_; }
  std::int64_t time_ns() const { return time_ns_; }
  std::size_t fields() const { return fields_; }

 private:
  ByteReader reader_;
  PolicyId policy_;
  SeriesId series_ = 0;
  std::int64_t time_ns_ = 0;
  std::size_t fields_ = 0;
};

}  // namespace gpuscale::tsdb
