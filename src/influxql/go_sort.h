// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the order in which sort.Sort of Go 1.19 (with which Debian builds InfluxDB 1.6.7)
/// leaves equal elements. It is not stable, and mode() and percentile() show which of several equal samples
/// came first. The algorithm is pattern-defeating quicksort (Peters, arXiv:2106.05123) with Go's constants.
/// Pure.
#pragma once
#include <bit>
#include <cstdint>
#include <span>
#include <utility>

namespace gpuscale::influxql {

template <typename T, typename Less>
class GoSort {
 public:
  GoSort(std::span<T> items, Less less) : items_(items), less_(std::move(less)) {}

  void run() {
    if (items_.size() > 1) sort(0, size(), static_cast<int>(std::bit_width(items_.size())));
  }

 private:
  using Index = std::ptrdiff_t;
  static constexpr Index kInsertion = 12;  ///< up to here by insertion
  static constexpr Index kNinther = 50;
  static constexpr int kMostSwaps = 12;
  static constexpr int kMostShifts = 5;
  static constexpr Index kShortestShift = 50;
  enum class Hint { kUnknown, kIncreasing, kDecreasing };
  struct Pivot {
    Index at;
    Hint hint;
  };

  Index size() const { return static_cast<Index>(items_.size()); }
  T& at(Index i) { return items_[static_cast<std::size_t>(i)]; }
  bool less(Index i, Index j) { return less_(at(i), at(j)); }
  void swap(Index i, Index j) { std::swap(at(i), at(j)); }

  void insertion(Index a, Index b) {
    for (Index i = a + 1; i < b; ++i) {
      for (Index j = i; j > a && less(j, j - 1); --j) swap(j, j - 1);
    }
  }

  void sift_down(Index root, Index end, Index first) {
    while (true) {
      Index child = 2 * root + 1;
      if (child >= end) return;
      if (child + 1 < end && less(first + child, first + child + 1)) ++child;
      if (!less(first + root, first + child)) return;
      swap(first + root, first + child);
      root = child;
    }
  }
  void heap(Index a, Index b) {
    const Index end = b - a;
    for (Index i = (end - 1) / 2; i >= 0; --i) sift_down(i, end, a);
    for (Index i = end - 1; i >= 0; --i) {
      swap(a, a + i);
      sift_down(0, i, a);
    }
  }

  void sort(Index a, Index b, int limit) {
    bool balanced = true;
    bool partitioned = true;
    while (true) {
      const Index length = b - a;
      if (length <= kInsertion) return insertion(a, b);
      if (limit == 0) return heap(a, b);
      if (!balanced) {
        break_patterns(a, b);
        --limit;
      }
      Pivot pivot = choose(a, b);
      if (pivot.hint == Hint::kDecreasing) {
        for (Index i = a, j = b - 1; i < j; ++i, --j) swap(i, j);
        pivot = {(b - 1) - (pivot.at - a), Hint::kIncreasing};
      }
      if (balanced && partitioned && pivot.hint == Hint::kIncreasing && nearly_sorted(a, b)) return;
      if (a > 0 && !less(a - 1, pivot.at)) {
        a = partition_equal(a, b, pivot.at);
        continue;
      }
      const Index middle = partition(a, b, pivot.at, partitioned);
      const Index left = middle - a;
      const Index right = b - middle;
      if (left < right) {
        balanced = left >= length / 8;
        sort(a, middle, limit);
        a = middle + 1;
      } else {
        balanced = right >= length / 8;
        sort(middle + 1, b, limit);
        b = middle;
      }
    }
  }

  Index partition(Index a, Index b, Index pivot, bool& was_partitioned) {
    swap(a, pivot);
    Index i = a + 1;
    Index j = b - 1;
    const auto approach = [&] {
      while (i <= j && less(i, a)) ++i;
      while (i <= j && !less(j, a)) --j;
    };
    approach();
    was_partitioned = i > j;
    while (i <= j) {
      swap(i++, j--);
      approach();
    }
    swap(j, a);
    return j;
  }

  Index partition_equal(Index a, Index b, Index pivot) {
    swap(a, pivot);
    Index i = a + 1;
    Index j = b - 1;
    while (true) {
      while (i <= j && !less(a, i)) ++i;
      while (i <= j && less(a, j)) --j;
      if (i > j) return i;
      swap(i++, j--);
    }
  }

  bool nearly_sorted(Index a, Index b) {
    Index i = a + 1;
    for (int shift = 0; shift < kMostShifts; ++shift) {
      while (i < b && !less(i, i - 1)) ++i;
      if (i == b) return true;
      if (b - a < kShortestShift) return false;
      swap(i, i - 1);
      if (i - a >= 2) {
        for (Index j = i - 1; j >= 1 && less(j, j - 1); --j) swap(j, j - 1);
      }
      if (b - i >= 2) {
        for (Index j = i + 1; j < b && less(j, j - 1); ++j) swap(j, j - 1);
      }
    }
    return false;
  }

  void break_patterns(Index a, Index b) {
    const Index length = b - a;
    if (length < 8) return;
    auto random = static_cast<std::uint64_t>(length);
    const std::uint64_t modulus = std::uint64_t{1} << std::bit_width(static_cast<std::uint64_t>(length));
    const Index middle = a + (length / 4) * 2;
    for (Index i = 0; i < 3; ++i) {
      random ^= random << 13U;
      random ^= random >> 17U;
      random ^= random << 5U;
      auto other = static_cast<Index>(random & (modulus - 1));
      if (other >= length) other -= length;
      swap(middle - 1 + i, a + other);
    }
  }

  Pivot choose(Index a, Index b) {
    const Index length = b - a;
    int swaps = 0;
    Index i = a + length / 4;
    Index j = a + length / 4 * 2;
    Index k = a + length / 4 * 3;
    if (length >= 8) {
      if (length >= kNinther) {
        i = median(i - 1, i, i + 1, swaps);
        j = median(j - 1, j, j + 1, swaps);
        k = median(k - 1, k, k + 1, swaps);
      }
      j = median(i, j, k, swaps);
    }
    return {j, swaps == 0 ? Hint::kIncreasing : swaps == kMostSwaps ? Hint::kDecreasing : Hint::kUnknown};
  }
  Index median(Index a, Index b, Index c, int& swaps) {
    const auto order = [&](Index& x, Index& y) {
      if (!less(y, x)) return;
      ++swaps;
      std::swap(x, y);
    };
    order(a, b);
    order(b, c);
    order(a, b);
    return b;
  }

  std::span<T> items_;
  Less less_;
};

template <typename T, typename Less>
void go_sort(std::span<T> items, Less less) {
  GoSort<T, Less>(items, std::move(less)).run();
}

}  // namespace gpuscale::influxql
