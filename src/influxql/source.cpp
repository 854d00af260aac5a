// SPDX-License-Identifier: Apache-2.0
#include "influxql/source.h"

#include <algorithm>

#include "influxql/condensed.h"
#include "influxql/execute.h"
#include "influxql/field_values.h"
#include "influxql/filter_plan.h"
#include "influxql/slice_reader.h"
#include "influxql/stretches.h"

namespace gpuscale::influxql {

namespace {

/// Series that are read at once after as many that had so many values: many where each has few. A guess: the
/// reader stops where they are more.
std::size_t next_slice(std::size_t series, std::size_t values) {
  constexpr std::size_t kMostSeries = 1'024;
  constexpr std::size_t kGrowth = 8;
  const std::size_t of_one = std::max<std::size_t>(values / series, 1);
  return std::clamp<std::size_t>(std::min(series * kGrowth, SliceReader::kMostValues / of_one), 1,
                                 kMostSeries);
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
    std::size_t i = 0;
    for (; i < reader.size(); ++i) {
      GS_CHECK(run.check());
      GS_TRY(SeriesRows rows, reader.read(i));
      if (!rows.times.empty()) GS_CHECK(sink(*keys[first + i], std::move(rows)));
    }
    first += i;
    at_once = next_slice(i, reader.values());
  }
  return {};
}

}  // namespace

bool is_read_at_once(Run& run, const DataSourceRef& source, const TimeFrame& frame) {
  // Of all series: the disk is read for those that do not match, too.
  return rows_of(run, source, frame).rows_in({frame.min, frame.max}) <= packed_rows_at_once(run.limits());
}

Result<void> read_measurement(Run& run, const DataSourceRef& source, const ReadRequest& request,
                              const RowSink& sink) {
  if (request.at_once || is_read_at_once(run, source, request.frame))
    return read_stretch(run, source, request, sink);
  const RowMap rows = rows_of(run, source, request.frame);
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
