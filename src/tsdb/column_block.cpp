// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_block.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <numeric>

namespace gpuscale::tsdb {
namespace {

void pad(BlockColumn& column, std::size_t rows) {
  const std::size_t size = column.size();
  if (size >= rows) return;
  if (column.present.empty()) column.present.assign(size, 1);
  column.present.resize(rows, 0);
  if (column.type == FieldType::kString) {
    column.strings.resize(rows);
  } else {
    column.bits.resize(rows);
  }
}

void copy_cell(const BlockColumn& from, std::size_t row, BlockColumn& to, std::size_t to_row) {
  if (to.size() == to_row) {
    if (!to.present.empty()) to.present.push_back(1);
    if (to.type == FieldType::kString) {
      to.strings.push_back(from.strings[row]);
    } else {
      to.bits.push_back(from.bits[row]);
    }
    return;
  }
  pad(to, to_row + 1);
  if (!to.present.empty()) to.present[to_row] = 1;
  if (to.type == FieldType::kString) {
    to.strings[to_row] = from.strings[row];
  } else {
    to.bits[to_row] = from.bits[row];
  }
}

/// Appends the rows of `from` that `order` names to `to`; rows of one time are joined, later ones winning.
void gather(const ColumnBlock& from, const std::vector<std::size_t>& order, ColumnBlock& to) {
  if (to.columns.empty()) {
    for (const BlockColumn& column : from.columns)
      to.columns.push_back({.field = column.field, .type = column.type});
  }
  for (const std::size_t row : order) {
    if (to.times.empty() || to.times.back() != from.times[row]) to.times.push_back(from.times[row]);
    const std::size_t at = to.times.size() - 1;
    for (std::size_t c = 0; c < from.columns.size(); ++c) {
      if (from.columns[c].has(row)) copy_cell(from.columns[c], row, to.columns[c], at);
    }
  }
  std::erase_if(to.columns, [](const BlockColumn& column) { return column.size() == 0; });
}

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

}  // namespace

const BlockColumn* ColumnBlock::find(FieldId field) const {
  for (const BlockColumn& column : columns) {
    if (column.field == field) return &column;
  }
  return nullptr;
}

void RowBuffer::begin_row(std::int64_t time_ns) {
  std::vector<std::int64_t>& times = block_.times;
  if (!times.empty() && times.back() == time_ns) return;
  if (ordered_ == times.size() && (times.empty() || times.back() < time_ns)) ++ordered_;
  times.push_back(time_ns);
}

BlockColumn& RowBuffer::column(std::size_t hint, FieldId field, FieldType type) {
  std::vector<BlockColumn>& columns = block_.columns;
  if (hint < columns.size() && columns[hint].field == field) return columns[hint];
  for (BlockColumn& column : columns) {
    if (column.field == field) return column;
  }
  return columns.emplace_back(BlockColumn{.field = field, .type = type});
}

std::size_t RowBuffer::set(std::size_t hint, FieldId field, const CellValue& value) {
  const std::size_t row = block_.times.size() - 1;
  BlockColumn& target = column(hint, field, value.type);
  pad(target, row);
  const bool fresh = target.size() == row;
  if (value.type == FieldType::kString) {
    if (fresh) {
      target.strings.emplace_back(value.text);
    } else {
      target.strings[row] = value.text;
    }
  } else if (fresh) {
    target.bits.push_back(value.bits);
  } else {
    target.bits[row] = value.bits;
  }
  if (!target.present.empty()) {
    target.present.resize(target.size(), 1);
    target.present[row] = 1;
  }
  return value.type == FieldType::kString ? sizeof(std::string) + value.text.size() : sizeof value.bits;
}

void RowBuffer::settle() {
  const std::vector<std::int64_t>& times = block_.times;
  if (ordered_ == times.size()) return;
  const auto tail = times.begin() + static_cast<std::ptrdiff_t>(ordered_);
  const std::int64_t earliest = *std::min_element(tail, times.end());
  const auto keep = static_cast<std::size_t>(std::lower_bound(times.begin(), tail, earliest) - times.begin());
  std::vector<std::size_t> order(times.size() - keep);
  std::iota(order.begin(), order.end(), keep);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return times[a] < times[b]; });
  ColumnBlock settled;
  settled.times.reserve(times.size());
  if (keep > 0) {
    settled = slice(block_, 0, keep);
    for (const BlockColumn& column : block_.columns) {
      if (settled.find(column.field) == nullptr) {
        settled.columns.push_back({.field = column.field, .type = column.type});
      }
    }
    std::vector<BlockColumn> aligned;
    for (const BlockColumn& column : block_.columns) {
      const auto it = std::find_if(settled.columns.begin(), settled.columns.end(),
                                   [&](const BlockColumn& c) { return c.field == column.field; });
      aligned.push_back(std::move(*it));
    }
    settled.columns = std::move(aligned);
  }
  gather(block_, order, settled);
  block_ = std::move(settled);
  ordered_ = block_.times.size();
}

ColumnBlock slice(const ColumnBlock& block, std::size_t begin, std::size_t end) {
  ColumnBlock out;
  if (begin >= end) return out;
  const auto first = static_cast<std::ptrdiff_t>(begin);
  out.times.assign(block.times.begin() + first, block.times.begin() + static_cast<std::ptrdiff_t>(end));
  for (const BlockColumn& column : block.columns) {
    const std::size_t column_end = std::min(end, column.size());
    if (column_end <= begin) continue;
    const auto last = static_cast<std::ptrdiff_t>(column_end);
    BlockColumn part{.field = column.field, .type = column.type};
    if (column.type == FieldType::kString) {
      part.strings.assign(column.strings.begin() + first, column.strings.begin() + last);
    } else {
      part.bits.assign(column.bits.begin() + first, column.bits.begin() + last);
    }
    if (!column.present.empty()) {
      part.present.assign(column.present.begin() + first, column.present.begin() + last);
      if (std::find(part.present.begin(), part.present.end(), 1) == part.present.end()) continue;
    }
    out.columns.push_back(std::move(part));
  }
  return out;
}

ColumnBlock without(const ColumnBlock& block, TimeRange range) {
  const RowRange cut = rows_in(block.times, range);
  std::vector<std::size_t> order(block.times.size());
  std::iota(order.begin(), order.end(), 0U);
  order.erase(order.begin() + static_cast<std::ptrdiff_t>(cut.begin),
              order.begin() + static_cast<std::ptrdiff_t>(cut.end));
  ColumnBlock out;
  gather(block, order, out);
  return out;
}

RowRange rows_in(const std::vector<std::int64_t>& times, TimeRange range) {
  if (range.min_ns > range.max_ns) return {0, 0};
  const auto begin = std::lower_bound(times.begin(), times.end(), range.min_ns);
  const auto end = std::upper_bound(begin, times.end(), range.max_ns);
  return {static_cast<std::size_t>(begin - times.begin()), static_cast<std::size_t>(end - times.begin())};
}

Column extract(const ColumnBlock& block, FieldId field, FieldType type, TimeRange range) {
  Column out;
  out.type = type;
  const BlockColumn* column = block.find(field);
  if (column == nullptr || column->type != type) return out;
  const RowRange rows = rows_in(block.times, range);
  const std::size_t end = std::min(rows.end, column->size());
  for (std::size_t row = rows.begin; row < end; ++row) {
    if (!column->has(row)) continue;
    out.times.push_back(block.times[row]);
    switch (type) {
      case FieldType::kFloat:
        out.floats.push_back(std::bit_cast<double>(column->bits[row]));
        break;
      case FieldType::kInteger:
        out.integers.push_back(std::bit_cast<std::int64_t>(column->bits[row]));
        break;
      case FieldType::kString:
        out.strings.push_back(column->strings[row]);
        break;
      case FieldType::kBoolean:
        out.booleans.push_back(static_cast<std::uint8_t>(column->bits[row]));
        break;
    }
  }
  return out;
}

Column merge(Column older, Column newer) {
  if (newer.times.empty()) return older;
  if (older.times.empty()) return newer;
  if (older.times.back() < newer.times.front()) {
    append(older.times, newer.times);
    visit_values(older, newer, [](auto& a, auto& b) { append(a, b); });
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
