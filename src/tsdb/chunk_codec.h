// SPDX-License-Identifier: Apache-2.0
/// Private to the room: times and values of one series as bytes and back. Pure; any bytes may be given. The
/// grammar is in docs/storage-format.md.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tsdb/sample_columns.h"

namespace gpuscale::tsdb {

/// The times at which a series has rows, ascending strictly. @param times not empty.
std::string encode_axis(std::span<const std::int64_t> times);
/// First and last time and the number of rows, without decoding the others. Errors: kCorrupt.
struct AxisExtent {
  std::int64_t min_ns;
  std::int64_t max_ns;
  std::size_t rows;
};
Result<AxisExtent> axis_extent(std::string_view bytes);
/// Errors: kCorrupt.
Result<std::vector<std::int64_t>> decode_axis(std::string_view bytes);

/// The values of a column whose times all stand on the axis.
std::string encode_chunk(std::span<const std::int64_t> axis, const Column& column);
/// Fills `column`, whose type must be set, with the whole chunk. Errors: kCorrupt.
Result<void> decode_chunk(std::string_view bytes, std::span<const std::int64_t> axis, Column& column);
/// Appends some rows of the axis to `column`, which is of the type and ends before them; of numbers little
/// more than those is unpacked. Errors: kCorrupt, with part of them appended.
Result<void> append_chunk_rows(std::string_view bytes, std::span<const std::int64_t> axis, RowRange rows,
                               Column& column);

}  // namespace gpuscale::tsdb
