// SPDX-License-Identifier: Apache-2.0
#include "influxql/slice_reader.h"

#include <algorithm>

#include "influxql/field_values.h"

namespace gpuscale::influxql {

namespace {

constexpr std::size_t kLettersOfAValue = 24;

bool castable(const tsdb::Column& column, const VarRef& ref) {
  if (ref.type == DataType::kUnknown || ref.type == DataType::kAnyField) return true;
  const DataType is = data_type(column.type);
  const auto number = [](DataType type) { return type == DataType::kFloat || type == DataType::kInteger; };
  return is == ref.type || (number(is) && number(ref.type));
}

std::vector<std::int64_t> union_of(const std::vector<const tsdb::Column*>& columns) {
  if (columns.empty()) return {};
  std::vector<std::int64_t> out = columns.front()->times;
  for (std::size_t i = 1; i < columns.size(); ++i) {
    if (columns[i]->times == out) continue;
    std::vector<std::int64_t> merged;
    merged.reserve(out.size() + columns[i]->times.size());
    std::set_union(out.begin(), out.end(), columns[i]->times.begin(), columns[i]->times.end(),
                   std::back_inserter(merged));
    out = std::move(merged);
  }
  return out;
}

/// In values that are numbers.
std::size_t weight_of(const tsdb::Column& column) {
  std::size_t letters = 0;
  for (const std::string& text : column.strings) letters += text.size();
  return column.times.size() + letters / kLettersOfAValue;
}

}  // namespace

SliceReader::SliceReader(Run& run, const DataSourceRef& source, const ReadRequest& request,
                         const FilterPlan& filter, Slice slice)
    : run_(run), source_(source), request_(request), filter_(filter), slice_(slice) {
  for (const tsdb::SeriesInfo* series : slice) ids_.push_back(series->id);
}

Result<SeriesRows> SliceReader::read(std::size_t index) {
  index_ = index;
  SeriesRows out;
  std::vector<const tsdb::Column*> drivers;
  for (const std::size_t driver : request_.drivers) {
    GS_TRY(const tsdb::Column* column, column_of(request_.refs[driver]));
    if (column != nullptr && castable(*column, request_.refs[driver])) drivers.push_back(column);
  }
  out.times = union_of(drivers);
  if (out.times.empty()) return out;
  GS_CHECK(run_.count_points(out.times.size()));
  if (filter_.has_rows()) {
    GS_TRY(const auto cells, cells_of(filter_.row_refs(), out.times, true));
    keep_where(out.times, cells);
    if (out.times.empty()) return out;
  }
  GS_TRY(out.cells, cells_of(request_.refs, out.times, false));
  return out;
}

Result<const tsdb::Column*> SliceReader::column_of(const VarRef& ref) {
  if (asks_for_tag(ref) || !source_.fields.contains(ref.name))
    return static_cast<const tsdb::Column*>(nullptr);
  auto found = columns_.find(ref.name);
  if (found == columns_.end()) {
    GS_TRY(Columns columns, read_columns(ref.name));
    found = columns_.emplace(ref.name, std::move(columns)).first;
  }
  const tsdb::Column* column = found->second[index_];
  return column == nullptr ? &none_ : column;
}

/// Of the series from the present one on.
Result<SliceReader::Columns> SliceReader::read_columns(const std::string& field) {
  Columns out(slice_.size());
  const TimeFrame& frame = request_.frame;
  const tsdb::TimeRange range{std::max(frame.min, frame.first_read), frame.max};
  const std::size_t most = kMostValues / (request_.refs.size() + filter_.row_refs().size());
  std::size_t values = 0;
  bool full = false;
  const auto keep = [&](std::size_t index, const tsdb::Column& column) -> Result<void> {
    GS_CHECK(run_.check());
    values += weight_of(column);
    out[index_ + index] = &owned_.emplace_back(column);
    if (values <= most) return {};
    // The rest waits for the next slice.
    full = true;
    slice_ = slice_.first(index_ + index + 1);
    return fail(Errc::kExhausted, "a slice is full");
  };
  const auto ids = std::span(ids_).subspan(index_, slice_.size() - index_);
  const auto scanned = run_.store().scan(source_.database, source_.policy, ids, field, range, keep);
  values_ += values;
  if (!scanned && !full) return scanned.error();
  return out;
}

/// Texts lie in columns that go with the slice.
Result<Value> SliceReader::lasting(const Value& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  if (text == nullptr) return value;
  GS_CHECK(run_.hold(text->size() / kLettersOfAValue));
  return Value(run_.keep(std::string(*text)));
}

Result<std::vector<std::vector<Value>>> SliceReader::cells_of(const std::vector<VarRef>& refs,
                                                              const std::vector<std::int64_t>& times,
                                                              bool of_filter) {
  std::vector<std::vector<Value>> out;
  for (const VarRef& ref : refs) {
    std::vector<Value>& cells = out.emplace_back(times.size());
    GS_TRY(const tsdb::Column* column, column_of(ref));
    if (column == nullptr) {
      const std::string_view tag =
          ref.type == DataType::kAnyField ? "" : metrics::tag_value(*slice_[index_]->tags, ref.name);
      if (!tag.empty() || of_filter)
        std::fill(cells.begin(), cells.end(), Value(run_.keep(std::string(tag))));
      continue;
    }
    std::size_t from = 0;
    const bool as_is = ref.type == DataType::kUnknown || ref.type == data_type(column->type) ||
                       ref.type == DataType::kAnyField;
    for (std::size_t i = 0; i < times.size(); ++i) {
      while (from < column->times.size() && column->times[from] < times[i]) ++from;
      if (from == column->times.size()) break;
      if (column->times[from] != times[i]) continue;
      const Value value = value_at(*column, from);
      if (of_filter) {
        cells[i] = as_is ? value : cast(value, ref.type);
      } else {
        GS_TRY(cells[i], lasting(as_is ? value : cast(value, ref.type)));
      }
    }
  }
  return out;
}

void SliceReader::keep_where(std::vector<std::int64_t>& times,
                             const std::vector<std::vector<Value>>& cells) const {
  std::vector<Value> row(cells.size());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    for (std::size_t c = 0; c < cells.size(); ++c) row[c] = cells[c][i];
    if (filter_.rows_hold(row)) times[kept++] = times[i];
  }
  times.resize(kept);
}

}  // namespace gpuscale::influxql
