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

RecentRows::Piece* RecentRows::piece_for(Half& half, std::size_t words, RowArena& arena) {
  const auto fits = [&half, words](std::size_t piece) {
    return half.pieces[piece].used + words <= room_of(piece);
  };
  if (half.filled > 0 && fits(half.filled - 1)) return &half.pieces[half.filled - 1];
  while (half.filled < kMostPieces) {
    if (half.filled == half.pieces.size()) half.pieces.push_back({arena.take(room_of(half.filled)), 0, 0});
    Piece& next = half.pieces[half.filled++];
    next.used = 0;
    next.newest = half.newest;
    if (fits(half.filled - 1)) return &next;
  }
  return nullptr;
}

void RecentRows::clear(Half& half) {
  half.filled = 0;
  half.shapes.clear();
  half.newest = std::numeric_limits<std::int64_t>::min();
}

void RecentRows::add(std::uint32_t place, std::int64_t time_ns, std::span<const CellName> shape,
                     std::span<const CellValue> cells, RowArena& arena) {
  const std::size_t words = kHead + shape.size();
  if (words > kPieceWords) return add_elsewhere(time_ns);
  Piece* piece = piece_for(halves_[filling_], words, arena);
  if (piece == nullptr) {
    filling_ = 1 - filling_;
    gone_ = std::max(gone_, halves_[filling_].newest);
    clear(halves_[filling_]);
    piece = piece_for(halves_[filling_], words, arena);
  }
  Half& half = halves_[filling_];
  const std::size_t number = shape_number(half, shape);
  if (number == kMostShapes) return add_elsewhere(time_ns);
  std::uint64_t* const row = piece->words + piece->used;
  piece->used += words;
  row[0] = place | static_cast<std::uint64_t>(number) << 32U;
  row[1] = static_cast<std::uint64_t>(time_ns);
  for (std::size_t i = 0; i < cells.size(); ++i) row[kHead + i] = cells[i].bits;
  half.newest = std::max(half.newest, time_ns);
}

}  // namespace gpuscale::tsdb
