// SPDX-License-Identifier: Apache-2.0
/// Private to the room: rows of words one behind the other, in pieces of memory that stay where they are. A
/// vector that grows copies what it holds, into pages that are fresh each time: a quarter of what it took to
/// make acknowledged lines readable (measured with 64 agents).
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tsdb/row_arena.h"
#include "tsdb/sample_columns.h"

namespace gpuscale::tsdb {

/// Not thread-safe.
class RowPieces {
 public:
  explicit RowPieces(std::size_t width = 1) : width_(width) {}
  RowPieces(RowPieces&& other) noexcept { swap(other); }
  RowPieces& operator=(RowPieces&& other) noexcept {
    RowPieces taken(std::move(other));
    swap(taken);
    return *this;
  }

  std::size_t width() const { return width_; }  ///< words of a row
  std::size_t size() const { return size_; }    ///< rows
  bool empty() const { return size_ == 0; }

  /// The next row; what its words are is not said. @param arena that outlives this, for its memory
  std::uint64_t* add(RowArena* arena = nullptr) {
    if (left_ == 0) begin_piece(std::max(kLeastRows, size_ / 4), arena);
    before_ = newest_;
    newest_ = next_;
    next_ += width_;
    --left_;
    ++size_;
    return newest_;
  }
  /// One piece of room for so many rows, where there is none yet.
  void reserve(std::size_t rows) {
    if (pieces_.empty() && rows > 0) begin_piece(rows, nullptr);
  }

  const std::uint64_t* operator[](std::size_t row) const {
    const Piece& piece = pieces_[piece_of(row)];
    return piece.words + (row - piece.first) * width_;
  }
  /// Of those that are not empty; the last one, and the one before it (null: there is none).
  std::uint64_t* newest() { return newest_; }
  const std::uint64_t* newest() const { return newest_; }
  const std::uint64_t* before_newest() const { return before_; }

  /// Calls visit(row) for these rows in their order.
  template <class Visit>
  void each(RowRange rows, Visit visit) const {
    if (rows.size() == 0) return;
    std::size_t at = rows.begin;
    for (std::size_t i = piece_of(at); at < rows.end; ++i) {
      const std::size_t end = i + 1 < pieces_.size() ? std::min(rows.end, pieces_[i + 1].first) : rows.end;
      const std::uint64_t* row = pieces_[i].words + (at - pieces_[i].first) * width_;
      for (; at < end; ++at, row += width_) visit(row);
    }
  }

 private:
  void swap(RowPieces& other) noexcept {
    std::swap(pieces_, other.pieces_);
    std::swap(owned_, other.owned_);
    std::swap(next_, other.next_);
    std::swap(newest_, other.newest_);
    std::swap(before_, other.before_);
    std::swap(width_, other.width_);
    std::swap(size_, other.size_);
    std::swap(left_, other.left_);
  }

  /// Room grows by a quarter, not to twice as much: ten thousand series that are half empty are megabytes.
  static constexpr std::size_t kLeastRows = 4;

  struct Piece {
    std::uint64_t* words;
    std::size_t first;  ///< row
  };

  void begin_piece(std::size_t rows, RowArena* arena) {
    std::uint64_t* words = nullptr;
    // What was laid out anew may be so again, and an arena takes nothing back.
    if (arena != nullptr && owned_.empty()) {
      words = arena->take(rows * width_);
    } else {
      words = owned_.emplace_back(std::make_unique_for_overwrite<std::uint64_t[]>(rows * width_)).get();
    }
    pieces_.push_back({words, size_});
    next_ = words;
    left_ = rows;
  }
  /// From the newest on, which are asked for most.
  std::size_t piece_of(std::size_t row) const {
    std::size_t i = pieces_.size() - 1;
    while (pieces_[i].first > row) --i;
    return i;
  }

  std::vector<Piece> pieces_;
  std::vector<std::unique_ptr<std::uint64_t[]>> owned_;  ///< of them
  std::uint64_t* next_ = nullptr;
  std::uint64_t* newest_ = nullptr;
  const std::uint64_t* before_ = nullptr;
  std::size_t width_ = 1;
  std::size_t size_ = 0;
  std::size_t left_ = 0;  ///< rows that fit into the last piece
};

}  // namespace gpuscale::tsdb
