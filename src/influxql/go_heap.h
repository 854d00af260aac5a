// SPDX-License-Identifier: Apache-2.0
/// Private to the room: Go's container/heap. Which of two equal elements comes first is decided by its moves,
/// and InfluxDB's answers show it, so they are the same here.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

namespace gpuscale::influxql {

/// @tparam Less whether one element goes before another; the one that goes first is in front. Pure.
template <typename T, typename Less>
class GoHeap {
 public:
  explicit GoHeap(Less less, std::vector<T> items = {}) : less_(std::move(less)), items_(std::move(items)) {
    for (std::size_t i = items_.size() / 2; i-- > 0;) down(i, items_.size());
  }

  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }
  const T& front() const { return items_.front(); }
  void push(T item) {
    items_.push_back(std::move(item));
    up(items_.size() - 1);
  }
  T pop() {
    std::swap(items_.front(), items_.back());
    down(0, items_.size() - 1);
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }
  void replace_front(T item) {
    items_.front() = std::move(item);
    down(0, items_.size());
  }
  /// In the order in which they lie.
  std::vector<T> take() && { return std::move(items_); }

 private:
  void up(std::size_t i) {
    while (i > 0) {
      const std::size_t parent = (i - 1) / 2;
      if (!less_(items_[i], items_[parent])) return;
      std::swap(items_[parent], items_[i]);
      i = parent;
    }
  }
  void down(std::size_t i, std::size_t size) {
    while (true) {
      const std::size_t left = 2 * i + 1;
      if (left >= size) return;
      const std::size_t right = left + 1;
      const std::size_t child = right < size && less_(items_[right], items_[left]) ? right : left;
      if (!less_(items_[child], items_[i])) return;
      std::swap(items_[i], items_[child]);
      i = child;
    }
  }

  Less less_;
  std::vector<T> items_;
};

}  // namespace gpuscale::influxql
