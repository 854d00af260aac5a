// SPDX-License-Identifier: Apache-2.0
#include "tsdb/recent_rows.h"

#include <algorithm>

namespace gpuscale::tsdb {

std::size_t RecentRows::shape_number(Half& half, std::span<const CellName> shape) {
  for (std::size_t s = 0; s < half.shapes.size(); ++s) {
    if (std::equal(shape.begin(), shape.end(), half.shapes[s].begin(), half.shapes[s].end())) return s;
  }
  if (half.shapes.size() == kMostShapes) return kMostShapes;
  half.shapes.emplace_back(shape.begin(), shape.end());
  return half.shapes.size() - 1;
}

void RecentRows::add(std::uint32_t place, std::int64_t time_ns, std::span<const CellName> shape,
                     std::span<const CellValue> cells) {
  const std::size_t words = kHead + shape.size();
  if (words > kWords) return add_elsewhere(time_ns);
  if (halves_[filling_].words.size() + words > kWords) {
    filling_ = 1 - filling_;
    Half& half = halves_[filling_];
    gone_ = std::max(gone_, half.newest);
    half.words.clear();
    half.marks.clear();
    half.rows = 0;
    half.shapes.clear();
    half.newest = std::numeric_limits<std::int64_t>::min();
  }
  Half& half = halves_[filling_];
  const std::size_t number = shape_number(half, shape);
  if (number == kMostShapes) return add_elsewhere(time_ns);
  const std::size_t at = half.words.size();
  if (half.rows++ % kRowsPerMark == 0) half.marks.push_back({at, half.newest});
  half.words.resize(at + words);
  std::uint64_t* row = half.words.data() + at;
  row[0] = place | static_cast<std::uint64_t>(number) << 32U;
  row[1] = static_cast<std::uint64_t>(time_ns);
  for (std::size_t i = 0; i < cells.size(); ++i) row[kHead + i] = cells[i].bits;
  half.newest = std::max(half.newest, time_ns);
}

}  // namespace gpuscale::tsdb
