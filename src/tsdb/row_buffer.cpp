// SPDX-License-Identifier: Apache-2.0
#include "tsdb/row_buffer.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace gpuscale::tsdb {

void RowBuffer::widen(std::size_t fields) {
  const std::size_t old_masks = masks();
  const std::size_t old_fields = fields_->size();
  const std::size_t new_masks = (fields + 63) / 64;
  RowPieces wider(1 + new_masks + fields);
  wider.reserve(rows_.size());
  rows_.each({0, rows_.size()}, [&](const std::uint64_t* from) {
    std::uint64_t* const to = wider.add();
    std::fill_n(to, wider.width(), 0);
    std::copy_n(from, 1 + old_masks, to);
    std::copy_n(from + 1 + old_masks, old_fields, to + 1 + new_masks);
  });
  rows_ = std::move(wider);
}

const FieldLists::List& RowBuffer::no_fields() {
  static const FieldLists::List kNone = std::make_shared<const std::vector<CellName>>();
  return kNone;
}

std::optional<std::size_t> RowBuffer::find_field(CellName name) const {
  const auto found = std::find(fields_->begin(), fields_->end(), name);
  if (found == fields_->end()) return std::nullopt;
  return static_cast<std::size_t>(found - fields_->begin());
}

void RowBuffer::begin_part() {
  settle();
  RowBuffer before = std::move(*this);
  const std::int64_t newest = std::max(before.newest_before_, before.newest_time());
  *this = RowBuffer();
  newest_before_ = newest;
  older_ = std::make_unique<RowBuffer>(std::move(before));
}

void RowBuffer::take_fields(std::span<const CellName> shape, FieldLists& lists) {
  if (fields_->empty() && rows_.empty()) {
    if (const FieldLists::List known = lists.find(shape)) {
      widen(known->size());
      fields_ = known;
      return;
    }
  }
  const auto with_those_of_shape = [&shape](std::vector<CellName> wider) {
    std::size_t place = 0;
    for (const CellName& name : shape) {
      // Mostly in the same order.
      if (place < wider.size() && wider[place] == name) {
        ++place;
        continue;
      }
      // A line that names a field twice has fewer columns than cells.
      const auto found = std::find(wider.begin(), wider.end(), name);
      place = static_cast<std::size_t>(found - wider.begin()) + 1;
      if (found == wider.end()) wider.push_back(name);
    }
    return wider;
  };
  std::vector<CellName> wider = with_those_of_shape(*fields_);
  if (wider.size() == fields_->size()) return;
  if (rows_.size() * wider.size() > kMostWidened) {
    begin_part();
    wider = with_those_of_shape({});
  }
  widen(wider.size());
  fields_ = lists.of(wider);
}

std::size_t RowBuffer::add(std::int64_t time_ns, std::span<const CellName> shape,
                           std::span<const CellValue> cells, FieldLists& lists, RowArena* arena) {
  bool same_shape = std::equal(fields_->begin(), fields_->end(), shape.begin(), shape.end());
  std::size_t taken = 0;
  if (!same_shape) {
    const RowBuffer* const part_before = older_.get();
    const std::size_t before = rows_.width();
    take_fields(shape, lists);
    if (older_.get() == part_before) taken = (rows_.width() - before) * rows_.size() * sizeof(std::uint64_t);
    same_shape = std::equal(fields_->begin(), fields_->end(), shape.begin(), shape.end());
  }
  if (rows_.empty() || newest_time() != time_ns) {
    if (!rows_.empty() && newest_time() > time_ns) ordered_ = false;
    std::uint64_t* const fresh = rows_.add(arena);
    fresh[0] = static_cast<std::uint64_t>(time_ns);
    // Of the same shape every value is written.
    std::fill_n(fresh + 1, same_shape ? masks() : rows_.width() - 1, 0);
    taken += rows_.width() * sizeof(std::uint64_t);
  }
  std::uint64_t* const row = rows_.newest();
  std::uint64_t* const values = row + 1 + masks();
  std::size_t place = 0;
  for (std::size_t i = 0; i < shape.size(); ++i, ++place) {
    if (!same_shape) find_field(shape[i], place);
    const std::size_t field = place;
    row[1 + field / 64] |= 1ULL << (field % 64);
    values[field] = cells[i].bits;
    if (shape[i].type != FieldType::kString) continue;
    values[field] = strings_.size();
    strings_.emplace_back(cells[i].text);
    taken += sizeof(std::string) + cells[i].text.size();
  }
  return taken;
}

void RowBuffer::settle() {
  if (ordered_) return;
  ordered_ = true;
  std::vector<std::size_t> order(rows_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return time(a) < time(b); });
  RowPieces sorted(rows_.width());
  sorted.reserve(rows_.size());
  for (const std::size_t row : order) {
    const std::uint64_t* from = rows_[row];
    if (sorted.empty() || sorted.newest()[0] != from[0]) {
      std::copy_n(from, rows_.width(), sorted.add());
      continue;
    }
    std::uint64_t* to = sorted.newest();
    for (std::size_t field = 0; field < fields_->size(); ++field) {
      const std::uint64_t bit = 1ULL << (field % 64);
      if ((from[1 + field / 64] & bit) == 0) continue;
      to[1 + field / 64] |= bit;
      to[1 + masks() + field] = from[1 + masks() + field];
    }
  }
  rows_ = std::move(sorted);
}

std::optional<std::int64_t> RowBuffer::first_time() const {
  std::optional<std::int64_t> first;
  for (const RowBuffer* part = this; part != nullptr; part = part->older()) {
    if (!part->rows_.empty()) first = std::min(first.value_or(part->time(0)), part->time(0));
  }
  return first;
}

void RowBuffer::times(std::vector<std::int64_t>& out) const {
  const auto first = static_cast<std::ptrdiff_t>(out.size());
  for (const RowBuffer* part = this; part != nullptr; part = part->older()) {
    part->rows_.each({0, part->rows_.size()},
                     [&out](const std::uint64_t* row) { out.push_back(static_cast<std::int64_t>(row[0])); });
  }
  if (older_ == nullptr) return;
  std::sort(out.begin() + first, out.end());
  out.erase(std::unique(out.begin() + first, out.end()), out.end());
}

RowRange RowBuffer::rows_between(TimeRange range) const {
  // From the end on in growing steps: the newest rows are asked for most, and each row looked at is a line of
  // memory. What begins before the first row is found by looking at that soon.
  const auto first_at = [&](auto&& before) {
    constexpr std::size_t kNewestRows = 8;
    std::size_t low = 0;
    std::size_t high = rows_.size();
    for (std::size_t step = 1; high > 0; step *= 2) {
      if (step == kNewestRows && !before(time(0))) return std::size_t{0};
      const std::size_t probe = high > step ? high - step : 0;
      if (before(time(probe))) {
        low = probe + 1;
        break;
      }
      high = probe;
    }
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (before(time(middle))) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  if (rows_.empty() || newest_time() < range.min_ns) return {0, 0};
  const std::size_t begin = first_at([&](std::int64_t t) { return t < range.min_ns; });
  const std::size_t end = newest_time() <= range.max_ns
                              ? rows_.size()
                              : first_at([&](std::int64_t t) { return t <= range.max_ns; });
  return {begin, std::max(begin, end)};
}

bool RowBuffer::has_rows(TimeRange range) const {
  return rows_between(range).size() > 0 || (older_ != nullptr && older_->has_rows(range));
}

template <class Value, class Convert>
void RowBuffer::append_values(RowRange between, std::size_t number, std::vector<std::int64_t>& times,
                              std::vector<Value>& values, Convert convert) const {
  const std::size_t mask_at = 1 + number / 64;
  const std::uint64_t bit = 1ULL << (number % 64);
  const std::size_t value_at = 1 + masks() + number;
  std::size_t end = times.size();
  times.resize(end + between.size());
  values.resize(end + between.size());
  rows_.each(between, [&](const std::uint64_t* row) {
    if ((row[mask_at] & bit) == 0) return;
    times[end] = static_cast<std::int64_t>(row[0]);
    values[end++] = convert(row[value_at]);
  });
  times.resize(end);
  values.resize(end);
}

void RowBuffer::append(RowRange between, std::size_t number, Column& out) const {
  switch (out.type) {
    case FieldType::kFloat:
      append_values(between, number, out.times, out.floats,
                    [](std::uint64_t value) { return std::bit_cast<double>(value); });
      break;
    case FieldType::kInteger:
      append_values(between, number, out.times, out.integers,
                    [](std::uint64_t value) { return static_cast<std::int64_t>(value); });
      break;
    case FieldType::kString:
      append_values(between, number, out.times, out.strings,
                    [this](std::uint64_t value) -> const std::string& { return strings_[value]; });
      break;
    case FieldType::kBoolean:
      append_values(between, number, out.times, out.booleans,
                    [](std::uint64_t value) { return static_cast<std::uint8_t>(value); });
      break;
  }
}

bool RowBuffer::find_field(CellName name, std::size_t& place) const {
  if (place < fields_->size() && (*fields_)[place] == name) return true;
  const auto found = find_field(name);
  place = found.value_or(fields_->size());
  return found.has_value();
}

void RowBuffer::collect_part(FieldId field, TimeRange range, Column& out, std::size_t& place) const {
  if (!find_field({field, out.type}, place)) return;
  append(rows_between(range), place, out);
}

void RowBuffer::collect_newest_part(FieldId field, TimeRange range, Column& out, std::size_t& place) const {
  if (!find_field({field, out.type}, place)) return;
  const RowRange between = rows_between(range);
  const std::size_t before = out.times.size();
  for (std::size_t row = between.end; row > between.begin && out.times.size() == before; --row)
    append({row - 1, row}, place, out);
}

template <class OfPart, class OfOlder>
void RowBuffer::join_parts(Column& out, OfPart of_part, OfOlder of_older) const {
  Column whole;
  Column newer;
  reset(whole, out.type);
  reset(newer, out.type);
  of_older(whole);
  of_part(newer);
  join(whole, newer);
  append_rows(out, whole, {0, whole.times.size()});
}

void RowBuffer::collect(FieldId field, TimeRange range, Column& out, std::size_t& place) const {
  if (older_ == nullptr) return collect_part(field, range, out, place);
  std::size_t other = place;
  join_parts(
      out, [&](Column& part) { collect_part(field, range, part, place); },
      [&](Column& before) { older_->collect(field, range, before, other); });
}

void RowBuffer::collect_newest(FieldId field, TimeRange range, Column& out, std::size_t& place) const {
  if (older_ == nullptr) return collect_newest_part(field, range, out, place);
  std::size_t other = place;
  Column both;
  reset(both, out.type);
  join_parts(
      both, [&](Column& part) { collect_newest_part(field, range, part, place); },
      [&](Column& before) { older_->collect_newest(field, range, before, other); });
  if (!both.times.empty()) append_rows(out, both, {both.times.size() - 1, both.times.size()});
}

}  // namespace gpuscale::tsdb
