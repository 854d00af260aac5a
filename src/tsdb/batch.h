// SPDX-License-Identifier: Apache-2.0
/// Private to the room: one acknowledged batch as it stands in the log. It names series and fields by their
/// ids, whose definitions are committed in the same transaction; each value carries its type, so that a batch
/// stays readable after its measurement was dropped. Rows of one shape (the same fields in the same order)
/// name it once.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/byte_code.h"
#include "tsdb/catalogue.h"

namespace gpuscale::tsdb {

/// What a cell is called.
struct CellName {
  FieldId field;
  FieldType type;
  friend bool operator==(const CellName&, const CellName&) = default;
};
/// One value on its way; `text` only for strings.
struct CellValue {
  std::uint64_t bits = 0;
  std::string_view text;
};

class BatchWriter {
 public:
  /// @param rows that are expected: room is made for them, within bounds.
  explicit BatchWriter(PolicyId policy, std::size_t rows = 0) : expected_(rows) {
    put_varint(bytes_, policy);
  }
  /// @param cells one for each name of the shape.
  void add_row(SeriesId series, std::int64_t time_ns, std::span<const CellName> shape,
               std::span<const CellValue> cells);
  /// The same where the row before has this very shape.
  void add_row_of_same_shape(SeriesId series, std::int64_t time_ns, std::span<const CellName> shape,
                             std::span<const CellValue> cells);

  std::size_t rows() const { return rows_; }
  std::string take() && { return std::move(bytes_); }

 private:
  std::size_t shape_number(std::span<const CellName> shape) const;
  /// @param fresh whether the shape, which is that of last_shape_, is to be named.
  void put_row(SeriesId series, std::int64_t time_ns, std::span<const CellName> shape,
               std::span<const CellValue> cells, bool fresh);

  std::string bytes_;
  std::size_t rows_ = 0;
  std::size_t expected_;
  SeriesId series_ = 0;
  std::int64_t time_ns_ = 0;
  std::vector<std::vector<CellName>> shapes_;
  std::size_t last_shape_ = 0;
};

/// Reads a batch row by row: while (reader.next_row()) use shape() and cells().
class BatchReader {
 public:
  BatchReader() = default;
  explicit BatchReader(std::string_view bytes) { open(bytes); }
  /// Begins with another batch; the room of the one before is kept.
  void open(std::string_view bytes);

  bool next_row();
  /// False once the bytes proved malformed.
  bool ok() const { return reader_.ok() && good_; }

  PolicyId policy() const { return policy_; }
  SeriesId series() const { return series_; }
  std::int64_t time_ns() const { return time_ns_; }
  std::span<const CellName> shape() const {
    return std::span(names_).subspan(shapes_[shape_].begin, shapes_[shape_].size);
  }
  std::span<const CellValue> cells() const { return cells_; }

 private:
  bool read_shape();

  struct Shape {
    std::size_t begin;  ///< among the names
    std::size_t size;
  };

  ByteReader reader_{{}};
  PolicyId policy_ = 0;
  SeriesId series_ = 0;
  std::int64_t time_ns_ = 0;
  std::vector<CellName> names_;  ///< of all shapes
  std::vector<Shape> shapes_;
  std::size_t shape_ = 0;
  std::vector<CellValue> cells_;
  bool good_ = true;
};

}  // namespace gpuscale::tsdb
