// SPDX-License-Identifier: Apache-2.0
/// The rows of one result series. They lie in one piece of memory: an answer about a fleet has ten thousand
/// series and more, and memory for each row would cost more than what is in it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"

namespace gpuscale::influxql {

/// A cell of a result. monostate = null. Times are WallTime so that the api room can print them by `epoch`.
using Cell = std::variant<std::monostate, double, std::int64_t, std::string, bool, WallTime>;

class CellTable {
 public:
  using Row = std::span<const Cell>;
  class Iterator {
   public:
    using value_type = Row;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const Cell* at, std::size_t width) : at_(at), width_(width) {}
    Row operator*() const { return {at_, width_}; }
    Iterator& operator++() {
      at_ += width_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const Cell* at_ = nullptr;
    std::size_t width_ = 0;
  };

  std::size_t size() const { return width_ == 0 ? 0 : cells_.size() / width_; }
  bool empty() const { return cells_.empty(); }
  Row operator[](std::size_t row) const { return {cells_.data() + row * width_, width_}; }
  Row front() const { return (*this)[0]; }
  Row back() const { return (*this)[size() - 1]; }
  Iterator begin() const { return {cells_.data(), width_}; }
  Iterator end() const { return {cells_.data() + cells_.size(), width_}; }

  /// Of `width` cells a row, at least one, as all rows have.
  void reserve(std::size_t rows, std::size_t width) {
    width_ = width;
    cells_.reserve(rows * width);
  }
  /// The next cell: rows are filled one after the other. Only after reserve().
  template <typename T>
  void add(T&& cell) {
    cells_.emplace_back(std::forward<T>(cell));
  }
  /// A whole row, as wide as those before it.
  void push_back(std::initializer_list<Cell> row) {
    width_ = row.size();
    cells_.insert(cells_.end(), row);
  }
  /// Some of the rows, in the same order.
  CellTable part(std::size_t begin, std::size_t end) const {
    CellTable out;
    out.width_ = width_;
    out.cells_.assign(cells_.begin() + static_cast<std::ptrdiff_t>(begin * width_),
                      cells_.begin() + static_cast<std::ptrdiff_t>(end * width_));
    return out;
  }
  std::size_t width() const { return width_; }
  std::vector<Cell>& cells() { return cells_; }

 private:
  std::size_t width_ = 0;
  std::vector<Cell> cells_;
};

}  // namespace gpuscale::influxql
