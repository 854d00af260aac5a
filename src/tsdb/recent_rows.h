// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the rows of a head that were added last, one behind the other as they came. A rule's
/// look at the last second of a fleet then reads one piece of memory after the other, where a row of each of
/// ten thousand series is a wait for it (measured: 4 ms for 10,000, 1 ms from here).
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <vector>

#include "tsdb/batch.h"
#include "tsdb/row_arena.h"
#include "tsdb/segment.h"

namespace gpuscale::tsdb {

/// Not thread-safe.
class RecentRows {
 public:
  /// Takes a row of the series at `place` that is newer than all that series has here. What would not fit
  /// makes older rows go. @param arena the same each time, outlives this; no more than 5 MiB are taken of it
  void add(std::uint32_t place, std::int64_t time_ns, std::span<const CellName> shape,
           std::span<const CellValue> cells, RowArena& arena);
  /// A row that is not newer: from then on times up to its own are not covered.
  void add_elsewhere(std::int64_t time_ns) { gone_ = std::max(gone_, time_ns); }

  /// Whether every row of a time from `from_ns` on is here, with what the last write said of it.
  bool covers(std::int64_t from_ns) const { return from_ns > gone_; }
  /// Calls visit(place, time, bits) for each row in the range that has the field, which is no text; those of
  /// one series by their time.
  template <class Visit>
  void each(CellName field, TimeRange range, Visit visit) const;

 private:
  static constexpr std::size_t kMostShapes = 32;
  static constexpr std::size_t kHead = 2;  ///< words before a row's values: place and shape, time
  static constexpr std::size_t kPieceWords = 4'096;
  /// Of one of the two halves: what 10,000 GPUs of twelve fields bring in two seconds.
  static constexpr std::size_t kMostPieces = 80;
  /// A look begins with the piece in which its range does. The first pieces are shorter: of a policy of few
  /// series some rows are all that come.
  struct Piece {
    std::uint64_t* words;
    std::size_t used;     ///< words of rows
    std::int64_t newest;  ///< of all rows before it
  };
  struct Half {
    std::vector<Piece> pieces;
    std::size_t filled = 0;  ///< pieces that may have rows; those behind wait for some
    std::vector<std::vector<CellName>> shapes;
    std::int64_t newest = std::numeric_limits<std::int64_t>::min();
  };
  static constexpr std::size_t room_of(std::size_t piece) {
    return std::min(kPieceWords, std::size_t{256} << std::min(piece, std::size_t{4}));
  }
  /// Where the next row of so many words goes; null where the half is full.
  static Piece* piece_for(Half& half, std::size_t words, RowArena& arena);
  /// Without its rows, with its memory.
  static void clear(Half& half);
  /// kMostShapes where there is no room for another.
  static std::size_t shape_number(Half& half, std::span<const CellName> shape);

  std::array<Half, 2> halves_;
  std::size_t filling_ = 0;
  std::int64_t gone_ = std::numeric_limits<std::int64_t>::min();  ///< rows up to here may not be here
};

template <class Visit>
void RecentRows::each(CellName field, TimeRange range, Visit visit) const {
  for (const Half* half : {&halves_[1 - filling_], &halves_[filling_]}) {
    std::array<std::size_t, kMostShapes> value_at{};  // of each shape; 0: it lacks the field
    for (std::size_t s = 0; s < half->shapes.size(); ++s) {
      const std::vector<CellName>& shape = half->shapes[s];
      // A line may name a field twice; its last value counts.
      for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == field) value_at[s] = kHead + i;
      }
    }
    if (half->newest < range.min_ns) continue;
    const auto end = half->pieces.begin() + static_cast<std::ptrdiff_t>(half->filled);
    auto piece = std::partition_point(half->pieces.begin(), end,
                                      [&](const Piece& one) { return one.newest < range.min_ns; });
    if (piece != half->pieces.begin()) --piece;
    for (; piece != end; ++piece) {
      const std::uint64_t* row = piece->words;
      const std::uint64_t* const last = row + piece->used;
      while (row < last) {
        const auto place = static_cast<std::uint32_t>(row[0]);
        const auto shape = static_cast<std::size_t>(row[0] >> 32U);
        const auto time = static_cast<std::int64_t>(row[1]);
        if (value_at[shape] != 0 && time >= range.min_ns && time <= range.max_ns)
          visit(place, time, row[value_at[shape]]);
        row += kHead + half->shapes[shape].size();
      }
    }
  }
}

}  // namespace gpuscale::tsdb
