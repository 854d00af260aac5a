// SPDX-License-Identifier: Apache-2.0
#include "tsdb/row_buffer.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace gpuscale::tsdb {

void RowBuffer::widen(std::size_t fields) {
  const std::size_t old_masks = masks();
  const std::size_t old_fields = fields_->size();
  const std::size_t old_width = width_;
  const std::size_t count = rows();
  const std::size_t new_masks = (fields + 63) / 64;
  const std::size_t new_width = 1 + new_masks + fields;
  std::vector<std::uint64_t> words(count * new_width);
  for (std::size_t row = 0; row < count; ++row) {
    const std::uint64_t* from = words_.data() + row * old_width;
    std::uint64_t* to = words.data() + row * new_width;
    std::copy_n(from, 1 + old_masks, to);
    std::copy_n(from + 1 + old_masks, old_fields, to + 1 + new_masks);
  }
  words_ = std::move(words);
  width_ = new_width;
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
  const std::int64_t newest = std::max(before.newest_before_, before.time(before.rows() - 1));
  *this = RowBuffer();
  newest_before_ = newest;
  older_ = std::make_unique<RowBuffer>(std::move(before));
}

void RowBuffer::take_fields(std::span<const CellName> shape, FieldLists& lists) {
  if (fields_->empty() && words_.empty()) {
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
  if (rows() * wider.size() > kMostWidened) {
    begin_part();
    wider = with_those_of_shape({});
  }
  widen(wider.size());
  fields_ = lists.of(wider);
}

std::size_t RowBuffer::add(std::int64_t time_ns, std::span<const CellName> shape,
                           std::span<const CellValue> cells, FieldLists& lists) {
  bool same_shape = std::equal(fields_->begin(), fields_->end(), shape.begin(), shape.end());
  std::size_t taken = 0;
  if (!same_shape) {
    const RowBuffer* const part_before = older_.get();
    const std::size_t before = words_.size();
    take_fields(shape, lists);
    if (older_.get() == part_before) taken = (words_.size() - before) * sizeof(std::uint64_t);
    same_shape = std::equal(fields_->begin(), fields_->end(), shape.begin(), shape.end());
  }
  if (words_.empty() || time(rows() - 1) != time_ns) {
    if (!words_.empty() && time(rows() - 1) > time_ns) ordered_ = false;
    // A quarter more at a time, not twice as much: ten thousand series that are half empty are megabytes.
    if (words_.size() + width_ > words_.capacity())
      words_.reserve(words_.size() + std::max(4 * width_, words_.size() / 4));
    words_.resize(words_.size() + width_);
    words_[words_.size() - width_] = static_cast<std::uint64_t>(time_ns);
    taken += width_ * sizeof(std::uint64_t);
  }
  std::uint64_t* const row = words_.data() + (words_.size() - width_);
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
  std::vector<std::size_t> order(rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return time(a) < time(b); });
  std::vector<std::uint64_t> words;
  words.reserve(words_.size());
  for (const std::size_t row : order) {
    const std::uint64_t* from = words_.data() + row * width_;
    if (words.empty() || words[words.size() - width_] != from[0]) {
      words.insert(words.end(), from, from + width_);
      continue;
    }
    std::uint64_t* to = words.data() + words.size() - width_;
    for (std::size_t field = 0; field < fields_->size(); ++field) {
      const std::uint64_t bit = 1ULL << (field % 64);
      if ((from[1 + field / 64] & bit) == 0) continue;
      to[1 + field / 64] |= bit;
      to[1 + masks() + field] = from[1 + masks() + field];
    }
  }
  words_ = std::move(words);
}

std::optional<std::int64_t> RowBuffer::first_time() const {
  std::optional<std::int64_t> first;
  for (const RowBuffer* part = this; part != nullptr; part = part->older()) {
    if (part->rows() > 0) first = std::min(first.value_or(part->time(0)), part->time(0));
  }
  return first;
}

void RowBuffer::times(std::vector<std::int64_t>& out) const {
  const auto first = static_cast<std::ptrdiff_t>(out.size());
  for (const RowBuffer* part = this; part != nullptr; part = part->older()) {
    for (std::size_t row = 0; row < part->rows(); ++row) out.push_back(part->time(row));
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
    std::size_t high = rows();
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
  if (words_.empty() || time(rows() - 1) < range.min_ns) return {0, 0};
  const std::size_t begin = first_at([&](std::int64_t t) { return t < range.min_ns; });
  const std::size_t end =
      time(rows() - 1) <= range.max_ns ? rows() : first_at([&](std::int64_t t) { return t <= range.max_ns; });
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
  const std::uint64_t* row = words_.data() + between.begin * width_;
  for (std::size_t i = between.begin; i < between.end; ++i, row += width_) {
    if ((row[mask_at] & bit) == 0) continue;
    times[end] = static_cast<std::int64_t>(row[0]);
    values[end++] = convert(row[value_at]);
  }
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
