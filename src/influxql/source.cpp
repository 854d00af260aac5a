// SPDX-License-Identifier: Apache-2.0
#include "influxql/source.h"

#include <algorithm>
#include <deque>

#include "influxql/condensed.h"
#include "influxql/execute.h"
#include "influxql/stretches.h"

namespace gpuscale::influxql {

namespace {

DataType data_type(metrics::FieldType type) {
  switch (type) {
    case metrics::FieldType::kFloat:
      return DataType::kFloat;
    case metrics::FieldType::kInteger:
      return DataType::kInteger;
    case metrics::FieldType::kString:
      return DataType::kString;
    case metrics::FieldType::kBoolean:
      return DataType::kBoolean;
  }
  return DataType::kUnknown;
}

Value value_at(const tsdb::Column& column, std::size_t i) {
  switch (column.type) {
    case metrics::FieldType::kFloat:
      return column.floats[i];
    case metrics::FieldType::kInteger:
      return column.integers[i];
    case metrics::FieldType::kString:
      return std::string_view(column.strings[i]);
    case metrics::FieldType::kBoolean:
      return column.booleans[i] != 0;
  }
  return {};
}

/// `value` as `wanted`; null where InfluxDB does not cast.
Value cast(const Value& value, DataType wanted) {
  const auto* number = std::get_if<double>(&value);
  const auto* integer = std::get_if<std::int64_t>(&value);
  const bool text = std::holds_alternative<std::string_view>(value);
  const bool flag = std::holds_alternative<bool>(value);
  switch (wanted) {
    case DataType::kFloat:
      return integer != nullptr ? Value(static_cast<double>(*integer)) : number != nullptr ? value : Value();
    case DataType::kInteger:
      return number != nullptr    ? Value(static_cast<std::int64_t>(*number))
             : integer != nullptr ? value
                                  : Value();
    case DataType::kString:
      return text ? value : Value();
    case DataType::kBoolean:
      return flag ? value : Value();
    default:
      return value;
  }
}

DataType column_type(const tsdb::Column& column) {
  return data_type(column.type);
}

/// Conjuncts of a filter that look at tags alone, and the others.
struct SplitFilter {
  std::vector<ExprPtr> of_tags;
  std::vector<ExprPtr> of_rows;
};

void split(const ExprPtr& filter, const std::function<bool(const VarRef&)>& is_field, SplitFilter& out) {
  if (!filter) return;
  if (const auto* paren = as<Paren>(filter)) return split(paren->inner, is_field, out);
  const auto* binary = as<Binary>(filter);
  if (binary != nullptr && binary->op == Token::kAnd) {
    split(binary->lhs, is_field, out);
    split(binary->rhs, is_field, out);
    return;
  }
  bool rows = false;
  walk(filter, [&](const ExprPtr& node) {
    const auto* ref = as<VarRef>(node);
    rows = rows || (ref != nullptr && is_field(*ref));
  });
  (rows ? out.of_rows : out.of_tags).push_back(filter);
}

/// Formulas over a shared row of cells; new names get slots at the end.
class FilterPlan {
 public:
  using IsField = std::function<bool(const VarRef&)>;

  FilterPlan(const ExprPtr& filter, const IsField& is_field) {
    SplitFilter parts;
    split(filter, is_field, parts);
    for (const ExprPtr& part : parts.of_tags) of_tags_.push_back(compile(part, tag_refs_));
    for (const ExprPtr& part : parts.of_rows) of_rows_.push_back(compile(part, row_refs_));
  }

  const std::vector<VarRef>& tag_refs() const { return tag_refs_; }
  const std::vector<VarRef>& row_refs() const { return row_refs_; }
  bool has_rows() const { return !of_rows_.empty(); }

  bool tags_hold(std::span<const Value> cells) const {
    return std::all_of(of_tags_.begin(), of_tags_.end(), [&](const Formula& f) { return f.holds(cells); });
  }
  bool rows_hold(std::span<const Value> cells) const {
    return std::all_of(of_rows_.begin(), of_rows_.end(), [&](const Formula& f) { return f.holds(cells); });
  }

 private:
  static Formula compile(const ExprPtr& expr, std::vector<VarRef>& refs) {
    const auto slot_of = [&refs](const ExprPtr& node) {
      const auto* ref = as<VarRef>(node);
      if (ref == nullptr) return Formula::kNotASlot;
      auto found = std::find(refs.begin(), refs.end(), *ref);
      if (found == refs.end()) found = refs.insert(refs.end(), *ref);
      return static_cast<int>(found - refs.begin());
    };
    return Formula::compile(expr, slot_of, Formula::Division::kInteger);
  }

  std::vector<VarRef> tag_refs_;
  std::vector<VarRef> row_refs_;
  std::vector<Formula> of_tags_;
  std::vector<Formula> of_rows_;
};

bool asks_for_tag(const VarRef& ref) {
  return ref.type == DataType::kTag;
}

/// Some series of a measurement, read column by column: of what lies side by side on the disk, all at once.
class SliceReader {
 public:
  using Slice = std::span<const tsdb::SeriesInfo* const>;

  SliceReader(Run& run, const DataSourceRef& source, const ReadRequest& request, const FilterPlan& filter,
              Slice slice)
      : run_(run), source_(source), request_(request), filter_(filter), slice_(slice) {
    for (const tsdb::SeriesInfo* series : slice) ids_.push_back(series->id);
  }

  /// Of the series at `index` of the slice.
  Result<SeriesRows> read(std::size_t index) {
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
  std::size_t values() const { return values_; }  ///< read so far

 private:
  using Columns = std::vector<const tsdb::Column*>;  ///< by series; null: it has none

  static bool castable(const tsdb::Column& column, const VarRef& ref) {
    if (ref.type == DataType::kUnknown || ref.type == DataType::kAnyField) return true;
    const DataType is = column_type(column);
    const auto number = [](DataType type) { return type == DataType::kFloat || type == DataType::kInteger; };
    return is == ref.type || (number(is) && number(ref.type));
  }

  /// Null for what is no field.
  Result<const tsdb::Column*> column_of(const VarRef& ref) {
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

  Result<Columns> read_columns(const std::string& field) {
    Columns out(slice_.size());
    const TimeFrame& frame = request_.frame;
    const tsdb::TimeRange range{std::max(frame.min, frame.first_read), frame.max};
    const auto keep = [&](std::size_t index, const tsdb::Column& column) -> Result<void> {
      values_ += column.times.size();
      // Values borrow from texts until the statement ends.
      out[index] =
          column.type == metrics::FieldType::kString ? &run_.keep(column) : &owned_.emplace_back(column);
      return {};
    };
    GS_CHECK(run_.store().scan(source_.database, source_.policy, ids_, field, range, keep));
    return out;
  }

  static std::vector<std::int64_t> union_of(const std::vector<const tsdb::Column*>& columns) {
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

  Result<std::vector<std::vector<Value>>> cells_of(const std::vector<VarRef>& refs,
                                                   const std::vector<std::int64_t>& times, bool empty_tags) {
    std::vector<std::vector<Value>> out;
    for (const VarRef& ref : refs) {
      std::vector<Value>& cells = out.emplace_back(times.size());
      GS_TRY(const tsdb::Column* column, column_of(ref));
      if (column == nullptr) {
        const std::string_view tag =
            ref.type == DataType::kAnyField ? "" : metrics::tag_value(*slice_[index_]->tags, ref.name);
        if (!tag.empty() || empty_tags)
          std::fill(cells.begin(), cells.end(), Value(run_.keep(std::string(tag))));
        continue;
      }
      std::size_t from = 0;
      const bool as_is = ref.type == DataType::kUnknown || ref.type == column_type(*column) ||
                         ref.type == DataType::kAnyField;
      for (std::size_t i = 0; i < times.size(); ++i) {
        while (from < column->times.size() && column->times[from] < times[i]) ++from;
        if (from == column->times.size()) break;
        if (column->times[from] != times[i]) continue;
        cells[i] = as_is ? value_at(*column, from) : cast(value_at(*column, from), ref.type);
      }
    }
    return out;
  }

  void keep_where(std::vector<std::int64_t>& times, const std::vector<std::vector<Value>>& cells) const {
    std::vector<Value> row(cells.size());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      for (std::size_t c = 0; c < cells.size(); ++c) row[c] = cells[c][i];
      if (filter_.rows_hold(row)) times[kept++] = times[i];
    }
    times.resize(kept);
  }

  Run& run_;
  const DataSourceRef& source_;
  const ReadRequest& request_;
  const FilterPlan& filter_;
  const Slice slice_;
  std::vector<tsdb::SeriesId> ids_;
  std::size_t index_ = 0;
  std::size_t values_ = 0;
  const tsdb::Column none_;
  std::map<std::string, Columns, std::less<>> columns_;
  std::deque<tsdb::Column> owned_;
};

/// Series that are read at once after as many that had so many values: many where each has few.
std::size_t next_slice(std::size_t series, std::size_t values) {
  constexpr std::size_t kMostSeries = 1'024;
  constexpr std::size_t kMostValues = 500'000;  // 8 MiB, of several fields each its part
  constexpr std::size_t kGrowth = 8;
  const std::size_t of_one = std::max<std::size_t>(values / series, 1);
  return std::clamp<std::size_t>(std::min(series * kGrowth, kMostValues / of_one), 1, kMostSeries);
}

SeriesKey key_of(const std::string& name, const metrics::Tags& tags,
                 const std::vector<std::string>& dimensions) {
  SeriesKey key{name, {}};
  for (const std::string& dimension : dimensions) key.tags.emplace_back(metrics::tag_value(tags, dimension));
  return key;
}

/// By what InfluxDB orders the groups of a measurement before SLIMIT: the keys of the tags they have, then
/// the values.
std::string group_order(const SeriesKey& key, const ReadRequest& request) {
  std::string keys;
  std::string values;
  for (std::size_t i = 0; i < request.dimensions.size(); ++i) {
    const std::string& dimension = request.dimensions[i];
    const auto& limited = request.limited_dimensions;
    if (key.tags[i].empty() || std::find(limited.begin(), limited.end(), dimension) == limited.end())
      continue;
    keys += dimension + "|";
    values += "|" + key.tags[i];
  }
  return keys.empty() ? keys : keys.substr(0, keys.size() - 1) + values;
}

/// SLIMIT and SOFFSET over the groups of one measurement. Observed: SOFFSET without SLIMIT leaves nothing.
template <typename Groups>
void limit_groups(Groups& groups, const ReadRequest& request) {
  if (request.slimit == 0 && request.soffset == 0) return;
  std::map<std::string, std::vector<SeriesKey>> order;
  for (const auto& [key, members] : groups) order[group_order(key, request)].push_back(key);
  std::int64_t at = 0;
  for (const auto& [text, keys] : order) {
    if (at < request.soffset || at - request.soffset >= request.slimit) {
      for (const SeriesKey& key : keys) groups.erase(key);
    }
    ++at;
  }
}

}  // namespace

DataType DataSourceRef::type_of(const std::string& name) const {
  const auto field = fields.find(name);
  if (field != fields.end()) return field->second;
  return tags.contains(name) ? DataType::kTag : DataType::kUnknown;
}

Result<std::vector<DataSourceRef>> find_measurements(Run& run, const Measurement& measurement) {
  const QueryContext& context = run.context();
  const std::string& database = measurement.database.empty() ? context.database : measurement.database;
  if (database.empty()) return fail(Errc::kInvalidArgument, "database name required");
  std::string policy = measurement.policy;
  if (policy.empty() && measurement.database.empty()) policy = context.policy;
  const std::vector<tsdb::DatabaseInfo> databases = run.store().databases();
  const auto info =
      std::find_if(databases.begin(), databases.end(), [&](const auto& db) { return db.name == database; });
  if (info == databases.end()) return fail(Errc::kNotFound, "database not found: " + database);
  if (policy.empty()) policy = info->default_policy;
  if (find_policy(databases, database, policy) == nullptr)
    return fail(Errc::kNotFound, "retention policy not found: " + policy);
  std::vector<DataSourceRef> out;
  const auto add = [&](const std::string& name) {
    DataSourceRef ref{database, policy, name, {}, {}, nullptr};
    for (const tsdb::FieldInfo& field : run.store().fields(database, policy, name))
      ref.fields[field.key] = data_type(field.type);
    for (std::string& key : run.store().tag_keys(database, name)) ref.tags.insert(std::move(key));
    if (!ref.fields.empty()) out.push_back(std::move(ref));
  };
  if (!measurement.pattern) {
    add(measurement.name);
    return out;
  }
  for (const std::string& name : run.store().measurements(database)) {
    if (measurement.pattern->matches(name)) add(name);
  }
  return out;
}

namespace {

using Groups = std::map<SeriesKey, std::vector<tsdb::SeriesInfo>>;

FilterPlan filter_of(const DataSourceRef& source, const ReadRequest& request) {
  return {request.filter, [&](const VarRef& ref) {
            if (ref.name == "_name" || asks_for_tag(ref)) return false;
            return ref.type == DataType::kAnyField || source.fields.contains(ref.name);
          }};
}

/// The tests `tag = 'value'` that every series must pass.
void required_tags(const ExprPtr& filter, const DataSourceRef& source, metrics::Tags& out) {
  if (const auto* paren = as<Paren>(filter)) return required_tags(paren->inner, source, out);
  const auto* binary = as<Binary>(filter);
  if (binary == nullptr) return;
  if (binary->op == Token::kAnd) {
    required_tags(binary->lhs, source, out);
    required_tags(binary->rhs, source, out);
    return;
  }
  const auto* ref = as<VarRef>(binary->lhs);
  const auto* text = as<std::string>(binary->rhs);
  if (binary->op != Token::kEq || ref == nullptr || text == nullptr || text->empty()) return;
  const bool is_tag =
      ref->name != "_name" && source.tags.contains(ref->name) &&
      (asks_for_tag(*ref) || (ref->type != DataType::kAnyField && !source.fields.contains(ref->name)));
  if (is_tag) out.push_back({ref->name, *text});
}

/// At least the series that can match.
std::vector<tsdb::SeriesInfo> candidate_series(Run& run, const DataSourceRef& source, const ExprPtr& filter) {
  metrics::Tags required;
  required_tags(filter, source, required);
  if (required.empty()) return run.store().series(source.database, source.measurement);
  return run.store().series_with(source.database, source.measurement, required);
}

Groups find_groups(Run& run, const DataSourceRef& source, const ReadRequest& request,
                   const FilterPlan& filter) {
  Groups groups;
  std::vector<Value> tags(filter.tag_refs().size());
  for (tsdb::SeriesInfo& series : candidate_series(run, source, request.filter)) {
    for (std::size_t i = 0; i < tags.size(); ++i) {
      const std::string& name = filter.tag_refs()[i].name;
      tags[i] =
          name == "_name" ? std::string_view(source.measurement) : metrics::tag_value(*series.tags, name);
    }
    if (!filter.tags_hold(tags)) continue;
    groups[key_of(source.measurement, *series.tags, request.dimensions)].push_back(std::move(series));
  }
  return groups;
}

}  // namespace

Result<SeriesGroups> group_series(Run& run, const DataSourceRef& source, const ReadRequest& request) {
  const FilterPlan filter = filter_of(source, request);
  Groups groups = find_groups(run, source, request, filter);
  limit_groups(groups, request);
  SeriesGroups out;
  out.filters_rows = filter.has_rows();
  for (const auto& [key, members] : groups) {
    GS_CHECK(run.check());
    for (const tsdb::SeriesInfo& series : members) out.ids.push_back(series.id);
    out.keys.push_back(key);
    out.ends.push_back(out.ids.size());
  }
  return out;
}

namespace {

/// Of all series: the disk is read for those that do not match, too.
RowMap rows_of(Run& run, const DataSourceRef& source, const ReadRequest& request) {
  return RowMap(run.store().spread_of(source.database, source.policy, source.measurement,
                                      {request.frame.min, request.frame.max}));
}

Result<void> read_stretch(Run& run, const DataSourceRef& source, const ReadRequest& request,
                          const RowSink& sink) {
  note_expired(run, source, request.frame);
  const FilterPlan filter = filter_of(source, request);
  Groups groups = find_groups(run, source, request, filter);
  std::size_t count = 0;
  for (const auto& [key, members] : groups) count += members.size();
  if (!request.again) GS_CHECK(run.count_series(count));
  limit_groups(groups, request);
  std::vector<const SeriesKey*> keys;
  std::vector<const tsdb::SeriesInfo*> all;
  for (const auto& [key, members] : groups) {
    if (request.complete != nullptr && request.complete->contains(key)) continue;
    for (const tsdb::SeriesInfo& series : members) {
      keys.push_back(&key);
      all.push_back(&series);
    }
  }
  std::size_t at_once = 1;
  for (std::size_t first = 0; first < all.size();) {
    const std::size_t size = std::min(at_once, all.size() - first);
    SliceReader reader(run, source, request, filter, std::span(all).subspan(first, size));
    for (std::size_t i = 0; i < size; ++i) {
      GS_CHECK(run.check());
      GS_TRY(SeriesRows rows, reader.read(i));
      if (!rows.times.empty()) GS_CHECK(sink(*keys[first + i], std::move(rows)));
    }
    first += size;
    at_once = next_slice(size, reader.values());
  }
  return {};
}

}  // namespace

bool is_read_at_once(Run& run, const DataSourceRef& source, const ReadRequest& request) {
  return rows_of(run, source, request).rows_in({request.frame.min, request.frame.max}) <=
         packed_rows_at_once(run.limits());
}

Result<void> read_measurement(Run& run, const DataSourceRef& source, const ReadRequest& request,
                              const RowSink& sink) {
  if (is_read_at_once(run, source, request)) return read_stretch(run, source, request, sink);
  const RowMap rows = rows_of(run, source, request);
  ReadRequest part = request;
  for (Stretches stretches(rows, request.frame); !stretches.over(); part.again = true) {
    part.frame = stretches.next(packed_rows_at_once(run.limits()));
    GS_CHECK(read_stretch(run, source, part, sink));
  }
  return {};
}

Result<void> read_rows(Run& run, const RowSet& rows, const std::vector<std::string>& columns,
                       const std::vector<std::string>& tag_keys, const ReadRequest& request,
                       const RowSink& sink) {
  const auto column_of = [&](const VarRef& ref) {
    const auto found = std::find(columns.begin(), columns.end(), ref.name);
    return found == columns.end() ? -1 : static_cast<int>(found - columns.begin());
  };
  const FilterPlan filter(request.filter, [&](const VarRef& ref) { return column_of(ref) >= 0; });
  for (const auto& [inner_key, series] : rows) {
    const auto& inner_tags = inner_key.tags;
    const auto tag_of = [&](const std::string& name) -> std::string_view {
      const auto found = std::find(tag_keys.begin(), tag_keys.end(), name);
      return found == tag_keys.end()
                 ? ""
                 : std::string_view(inner_tags[static_cast<std::size_t>(found - tag_keys.begin())]);
    };
    const auto cell = [&, &series = series](const VarRef& ref, std::size_t row, bool empty_tags) -> Value {
      if (const int column = column_of(ref); column >= 0)
        return series.cells[static_cast<std::size_t>(column)][row];
      const bool known = std::find(tag_keys.begin(), tag_keys.end(), ref.name) != tag_keys.end();
      return known || empty_tags ? Value(tag_of(ref.name)) : Value();
    };
    std::vector<Value> tags;
    for (const VarRef& ref : filter.tag_refs()) tags.emplace_back(tag_of(ref.name));
    if (!filter.tags_hold(tags)) continue;
    SeriesKey key{inner_key.name, {}};
    for (const std::string& dimension : request.dimensions) key.tags.emplace_back(tag_of(dimension));
    SeriesRows out;
    out.cells.resize(request.refs.size());
    std::vector<Value> row(filter.row_refs().size());
    for (std::size_t i = 0; i < series.times.size(); ++i) {
      const std::int64_t time = series.times[i];
      const bool driven =
          std::any_of(request.drivers.begin(), request.drivers.end(), [&](std::size_t driver) {
            return !is_null(cast(cell(request.refs[driver], i, false), request.refs[driver].type));
          });
      if (!driven && !request.every_row) continue;
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = cell(filter.row_refs()[c], i, true);
      if (!filter.rows_hold(row)) continue;
      out.times.push_back(time);
      for (std::size_t c = 0; c < request.refs.size(); ++c) {
        out.cells[c].push_back(cast(cell(request.refs[c], i, false), request.refs[c].type));
      }
    }
    if (out.times.empty()) continue;
    GS_CHECK(run.count_points(out.times.size()));
    GS_CHECK(sink(key, std::move(out)));
  }
  return {};
}

}  // namespace gpuscale::influxql
