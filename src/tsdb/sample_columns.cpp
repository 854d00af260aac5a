// SPDX-License-Identifier: Apache-2.0
#include "tsdb/sample_columns.h"

#include <algorithm>
#include <iterator>

namespace gpuscale::tsdb {
namespace {

template <typename T>
void append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

template <typename Visit>
void visit_values(Column& a, Column& b, const Visit& visit) {
  switch (a.type) {
    case FieldType::kFloat:
      return visit(a.floats, b.floats);
    case FieldType::kInteger:
      return visit(a.integers, b.integers);
    case FieldType::kString:
      return visit(a.strings, b.strings);
    case FieldType::kBoolean:
      return visit(a.booleans, b.booleans);
  }
}

/// The vectors that hold something, times first.
template <typename Visit>
void visit_vectors(Column& column, const Visit& visit) {
  visit(column.times);
  visit_values(column, column, [&](auto& values, auto&) { visit(values); });
}

}  // namespace

RowRange rows_in(std::span<const std::int64_t> times, TimeRange range) {
  if (range.min_ns > range.max_ns || times.empty()) return {0, 0};
  if (times.front() >= range.min_ns && times.back() <= range.max_ns) return {0, times.size()};
  const auto begin = std::lower_bound(times.begin(), times.end(), range.min_ns);
  const auto end = std::upper_bound(begin, times.end(), range.max_ns);
  return {static_cast<std::size_t>(begin - times.begin()), static_cast<std::size_t>(end - times.begin())};
}

void reset(Column& column, FieldType type) {
  column.type = type;
  column.times.clear();
  column.floats.clear();
  column.integers.clear();
  column.strings.clear();
  column.booleans.clear();
}

void append_rows(Column& to, const Column& from, RowRange rows) {
  const auto add = [rows](auto& values, const auto& more) {
    values.insert(values.end(), more.begin() + static_cast<std::ptrdiff_t>(rows.begin),
                  more.begin() + static_cast<std::ptrdiff_t>(rows.end));
  };
  add(to.times, from.times);
  switch (to.type) {
    case FieldType::kFloat:
      return add(to.floats, from.floats);
    case FieldType::kInteger:
      return add(to.integers, from.integers);
    case FieldType::kString:
      return add(to.strings, from.strings);
    case FieldType::kBoolean:
      return add(to.booleans, from.booleans);
  }
}

void truncate(Column& column, std::size_t size) {
  visit_vectors(column, [size](auto& values) { values.resize(size); });
}

void restrict(Column& column, TimeRange range) {
  const RowRange keep = rows_in(column.times, range);
  if (keep.size() == column.times.size()) return;
  visit_vectors(column, [&](auto& values) {
    values.erase(values.begin() + static_cast<std::ptrdiff_t>(keep.end), values.end());
    values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(keep.begin));
  });
}

void cut_out(Column& column, TimeRange range) {
  const RowRange gone = rows_in(column.times, range);
  if (gone.size() == 0) return;
  visit_vectors(column, [&](auto& values) {
    values.erase(values.begin() + static_cast<std::ptrdiff_t>(gone.begin),
                 values.begin() + static_cast<std::ptrdiff_t>(gone.end));
  });
}

void join(Column& older, Column& newer) {
  if (newer.times.empty()) return;
  if (older.times.empty() || older.times.back() < newer.times.front()) {
    append(older.times, newer.times);
    visit_values(older, newer, [](auto& a, auto& b) { append(a, b); });
    return;
  }
  older = merge(std::move(older), newer);
}

Column merge(Column older, Column newer) {
  if (newer.times.empty()) return older;
  if (older.times.empty()) return newer;
  if (older.times.back() < newer.times.front()) {
    join(older, newer);
    return older;
  }
  std::vector<std::int64_t> times;
  times.reserve(older.times.size() + newer.times.size());
  visit_values(older, newer, [&](auto& a, auto& b) {
    std::decay_t<decltype(a)> values;
    values.reserve(a.size() + b.size());
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() || j < b.size()) {
      const bool take_newer = i == a.size() || (j < b.size() && newer.times[j] <= older.times[i]);
      if (take_newer) {
        if (i < a.size() && older.times[i] == newer.times[j]) ++i;
        times.push_back(newer.times[j]);
        values.push_back(std::move(b[j++]));
      } else {
        times.push_back(older.times[i]);
        values.push_back(std::move(a[i++]));
      }
    }
    a = std::move(values);
  });
  older.times = std::move(times);
  return older;
}

}  // namespace gpuscale::tsdb
