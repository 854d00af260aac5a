// SPDX-License-Identifier: Apache-2.0
#include "influxql/merge.h"

#include <algorithm>
#include <numeric>

#include "influxql/go_heap.h"

namespace gpuscale::influxql {

namespace {

/// Rows of one part in the order of the statement.
std::vector<std::size_t> ordered_rows(const std::vector<std::int64_t>& times, bool ascending) {
  std::vector<std::size_t> out(times.size());
  std::iota(out.begin(), out.end(), std::size_t{0});
  if (std::is_sorted(times.begin(), times.end())) {
    if (!ascending) std::reverse(out.begin(), out.end());
    return out;
  }
  std::stable_sort(out.begin(), out.end(), [&](std::size_t a, std::size_t b) {
    return ascending ? times[a] < times[b] : times[a] > times[b];
  });
  return out;
}

/// The next rows of the parts.
class Heads {
 public:
  Heads(const std::vector<SeriesRows>& parts, bool ascending, std::size_t first_column)
      : parts_(parts), ascending_(ascending), first_column_(first_column), heap_(Less{this}, first_heads()) {}
  Heads(const Heads&) = delete;
  Heads& operator=(const Heads&) = delete;

  struct At {
    std::size_t part;
    std::size_t row;
  };
  bool empty() const { return heap_.empty(); }
  At next() {
    Head head = heap_.pop();
    const At out{head.part, row_of(head)};
    if (++head.next < rows_[head.list].size()) heap_.push(head);
    return out;
  }

 private:
  struct Head {
    std::size_t part;
    std::size_t list;
    std::size_t next;
  };
  struct Less {
    const Heads* heads;
    bool operator()(const Head& a, const Head& b) const { return heads->less(a, b); }
  };

  std::vector<Head> first_heads() {
    std::vector<Head> out;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const std::size_t part = ascending_ ? i : parts_.size() - 1 - i;
      rows_.push_back(ordered_rows(parts_[part].times, ascending_));
      if (!rows_.back().empty()) out.push_back({part, rows_.size() - 1, 0});
    }
    return out;
  }
  std::size_t row_of(const Head& head) const { return rows_[head.list][head.next]; }

  bool less(const Head& a, const Head& b) const {
    const SeriesRows& x = parts_[a.part];
    const SeriesRows& y = parts_[b.part];
    const std::size_t i = row_of(a);
    const std::size_t j = row_of(b);
    if (x.times[i] != y.times[j]) return ascending_ ? x.times[i] < y.times[j] : x.times[i] > y.times[j];
    for (std::size_t c = first_column_; c < x.cells.size(); ++c) {
      const auto* s = std::get_if<std::string_view>(&x.cells[c][i]);
      const auto* t = std::get_if<std::string_view>(&y.cells[c][j]);
      if (s == nullptr || t == nullptr) return false;
      if (*s != *t) return ascending_ ? *s < *t : *s > *t;
    }
    return false;
  }

  const std::vector<SeriesRows>& parts_;
  bool ascending_;
  std::size_t first_column_;
  std::vector<std::vector<std::size_t>> rows_;  ///< before the heap, which is made out of them
  GoHeap<Head, Less> heap_;
};

}  // namespace

SeriesRows merge(std::vector<SeriesRows> parts, bool ascending, std::size_t first_column) {
  if (parts.size() == 1 && ascending && std::is_sorted(parts[0].times.begin(), parts[0].times.end())) {
    return std::move(parts.front());
  }
  SeriesRows out;
  const std::size_t width = parts.empty() ? 0 : parts.front().cells.size();
  std::size_t rows = 0;
  for (const SeriesRows& part : parts) rows += part.times.size();
  out.times.reserve(rows);
  out.cells.resize(width);
  for (auto& column : out.cells) column.reserve(rows);
  for (Heads heads(parts, ascending, first_column); !heads.empty();) {
    const Heads::At at = heads.next();
    out.times.push_back(parts[at.part].times[at.row]);
    for (std::size_t c = 0; c < width; ++c) out.cells[c].push_back(parts[at.part].cells[c][at.row]);
  }
  return out;
}

}  // namespace gpuscale::influxql
