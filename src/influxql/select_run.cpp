// SPDX-License-Identifier: Apache-2.0
#include "influxql/select_run.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "influxql/aggregates.h"
#include "influxql/cut.h"
#include "influxql/math_functions.h"
#include "influxql/merge.h"
#include "influxql/select_calls.h"
#include "influxql/select_into.h"
#include "influxql/select_scope.h"
#include "influxql/stretches.h"
#include "influxql/transforms.h"

namespace gpuscale::influxql {

namespace {

/// From so many rows on a statement with LIMIT looks at a part of them first. Below it they are merged as
/// InfluxDB does, whose order of rows of one time depends on all before.
constexpr double kRowsReadAtOnce = 100'000;
constexpr double kRowsOfFirstStretch = 20'000;
constexpr double kFewestRowsOfAStretch = 100;
constexpr double kStretchGrowth = 8;

bool same_ref(const VarRef& a, const VarRef& b) {
  return a.name == b.name && a.type == b.type;
}

/// Puts the rows of a statement together: its fields computed from slots, one for each call, then one for
/// each field or tag outside of calls.
class Runner {
 public:
  Runner(Run& run, const PreparedSelect& select, const Surroundings* outer)
      : scope_(run, select, outer), points_(scope_) {
    map_fields();
    scope_.enough = enough_rows();
  }

  Result<SelectRows> rows() {
    if (scope_.slimit == 0 && scope_.soffset > 0)
      return SelectRows{{}, scope_.dimensions};  // as InfluxDB: SOFFSET needs SLIMIT
    SelectRows out;
    out.dimensions = scope_.dimensions;
    if (calls_.empty()) {
      GS_TRY(out.rows, raw_rows());
    } else {
      // Where there is nothing to read there are no buckets either.
      if (!scope_.select.sources.empty()) GS_CHECK(scope_.check_buckets());
      GS_TRY(out.rows, call_rows());
    }
    return out;
  }

 private:
  void map_fields();
  std::size_t enough_rows() const;
  int slot_of(const ExprPtr& expr) const;
  Result<RowSet> raw_rows();
  Result<void> add_rows(const ReadRequest& request, RowSet& out, std::size_t& held);
  Result<void> add_by_stretches(ReadRequest request, const RowMap& rows, RowSet& out);
  Result<RowSet> call_rows();
  std::vector<Value> slot_defaults() const;
  void fill_slots(SeriesRows& rows, const std::vector<Value>& defaults) const;
  SeriesRows align(const std::vector<const Points*>& lists) const;
  SeriesRows rows_of_one(Points&& points) const;
  Result<RowSet> computed(RowSet slots) const;

  SelectScope scope_;
  CallPoints points_;
  std::vector<ExprPtr> calls_;
  std::vector<std::string> call_texts_;
};

void Runner::map_fields() {
  for (const Field& field : scope_.select.statement.fields) {
    const std::function<void(const ExprPtr&)> visit = [&](const ExprPtr& node) {
      if (const auto* ref = as<VarRef>(node)) {
        if (std::none_of(scope_.refs.begin(), scope_.refs.end(),
                         [&](const VarRef& r) { return same_ref(r, *ref); }))
          scope_.refs.push_back(*ref);
      } else if (const auto* call = as<Call>(node)) {
        if (is_math_function(call->name)) {
          for (const ExprPtr& arg : call->args) visit(arg);
          return;
        }
        const std::string text = print(node);
        if (std::find(call_texts_.begin(), call_texts_.end(), text) != call_texts_.end()) return;
        calls_.push_back(node);
        call_texts_.push_back(text);
      } else if (const auto* binary = as<Binary>(node)) {
        visit(binary->lhs);
        visit(binary->rhs);
      } else if (const auto* paren = as<Paren>(node)) {
        visit(paren->inner);
      }
    };
    visit(field.expr);
  }
  std::sort(scope_.refs.begin(), scope_.refs.end(), [](const VarRef& a, const VarRef& b) {
    return a.name != b.name ? a.name < b.name : a.type < b.type;
  });
}

/// What is computed from one row to the next may need more rows than it leaves.
std::size_t Runner::enough_rows() const {
  const SelectStatement& statement = scope_.select.statement;
  const bool from_rows = std::any_of(calls_.begin(), calls_.end(), [](const ExprPtr& expr) {
    const std::string& name = as<Call>(expr)->name;
    return is_transformation(name) || is_unoffered(name);
  });
  std::int64_t rows = 0;
  if (statement.limit == 0 || from_rows || __builtin_add_overflow(statement.limit, statement.offset, &rows))
    return 0;
  return static_cast<std::size_t>(rows);
}

int Runner::slot_of(const ExprPtr& expr) const {
  if (const auto* ref = as<VarRef>(expr)) {
    const auto found = std::find_if(scope_.refs.begin(), scope_.refs.end(),
                                    [&](const VarRef& r) { return same_ref(r, *ref); });
    if (found == scope_.refs.end()) return Formula::kNull;
    return static_cast<int>(calls_.size()) + static_cast<int>(found - scope_.refs.begin());
  }
  const auto* call = as<Call>(expr);
  if (call == nullptr || is_math_function(call->name)) return Formula::kNotASlot;
  const auto found = std::find(call_texts_.begin(), call_texts_.end(), print(expr));
  return found == call_texts_.end() ? Formula::kNull : static_cast<int>(found - call_texts_.begin());
}

Result<RowSet> Runner::raw_rows() {
  ReadRequest request;
  request.refs = scope_.refs;
  const bool known = std::any_of(scope_.refs.begin(), scope_.refs.end(),
                                 [](const VarRef& r) { return r.type != DataType::kUnknown; });
  if (!known) return RowSet();
  for (std::size_t i = 0; i < scope_.refs.size(); ++i) {
    if (scope_.refs[i].type != DataType::kTag) request.drivers.push_back(i);
  }
  request.every_row = true;
  request.filter = scope_.select.condition.filter;
  request.frame = scope_.frame;
  request.dimensions = scope_.dimensions;
  request.limited_dimensions = scope_.limited_dimensions;
  request.slimit = scope_.slimit;
  request.soffset = scope_.soffset;
  RowSet merged;
  const auto& sources = scope_.select.sources;
  auto map = scope_.enough == 0 ? std::nullopt : row_map_of(scope_.run, sources, request, kRowsReadAtOnce);
  if (!map) {
    std::size_t held = 0;
    const auto added = add_rows(request, merged, held);
    if (!added && (scope_.enough == 0 || !scope_.run.holds_too_much())) return added.error();
    // The series that match have more rows than their share.
    if (!added) {
      scope_.run.let_go(held);
      map = row_map_of(scope_.run, sources, request, -1);
      if (!map) return added.error();
    }
  }
  if (map) GS_CHECK(add_by_stretches(request, *map, merged));
  const SelectStatement& statement = scope_.select.statement;
  RowSet slots;
  for (auto& [key, rows] : merged) {
    cut(rows.times, statement.offset, statement.limit);
    for (auto& column : rows.cells) cut(column, statement.offset, statement.limit);
    fill_slots(rows, slot_defaults());
    if (!rows.times.empty()) slots.emplace_hint(slots.end(), key, std::move(rows));
  }
  return computed(std::move(slots));
}

/// Behind those that are there, where it succeeds. @param held grows by the values that it holds
Result<void> Runner::add_rows(const ReadRequest& request, RowSet& out, std::size_t& held) {
  std::map<SeriesKey, std::vector<SeriesRows>> parts;
  GS_CHECK(points_.read(request, [&](const SeriesKey& key, SeriesRows rows) -> Result<void> {
    const std::size_t values = rows.times.size() * (1 + rows.cells.size());
    held += values;
    GS_CHECK(scope_.run.hold(values));
    parts[key].push_back(std::move(rows));
    return {};
  }));
  for (auto& [key, series] : parts) {
    SeriesRows rows = merge(std::move(series), scope_.frame.ascending, 0);
    const auto [at, is_new] = out.try_emplace(key, std::move(rows));
    if (is_new) continue;
    at->second.times.insert(at->second.times.end(), rows.times.begin(), rows.times.end());
    for (std::size_t c = 0; c < rows.cells.size(); ++c)
      at->second.cells[c].insert(at->second.cells[c].end(), rows.cells[c].begin(), rows.cells[c].end());
  }
  return {};
}

/// Until each series of the result has the rows that LIMIT lets through, or all it has.
Result<void> Runner::add_by_stretches(ReadRequest request, const RowMap& rows, RowSet& out) {
  std::set<SeriesKey> wanted;
  bool filters_rows = false;
  for (const DataSourceRef& source : scope_.select.sources) {
    GS_TRY(const SeriesGroups groups, group_series(scope_.run, source, request));
    wanted.insert(groups.keys.begin(), groups.keys.end());
    filters_rows = filters_rows || groups.filters_rows;
  }
  std::set<SeriesKey> complete;
  request.complete = &complete;
  // Of rows that a condition leaves out nothing is held.
  const double most = filters_rows ? packed_rows_at_once(scope_.run.limits())
                                   : rows_read_at_once(scope_.run.limits(), 1 + request.refs.size());
  const double likely = 2.0 * static_cast<double>(scope_.enough) * static_cast<double>(wanted.size());
  double stretch = std::min(std::max(likely, kRowsOfFirstStretch), most);
  std::size_t held = 0;
  Stretches stretches(rows, scope_.frame);
  while (!stretches.over() && !wanted.empty()) {
    const Stretches before = stretches;
    request.frame = stretches.next(stretch);
    std::size_t added = 0;
    const auto done = add_rows(request, out, added);
    if (!done && (!scope_.run.holds_too_much() || stretch < kFewestRowsOfAStretch)) return done;
    if (!done) {
      // More lie there than was thought.
      scope_.run.let_go(added);
      stretches = before;
      stretch /= kStretchGrowth;
      continue;
    }
    request.again = true;
    held += added;
    std::size_t kept = 0;
    for (auto& [key, series] : out) {
      if (series.times.size() >= scope_.enough && complete.insert(key).second) {
        const auto end = static_cast<std::ptrdiff_t>(scope_.enough);
        series.times = {series.times.begin(), series.times.begin() + end};
        for (auto& column : series.cells) column = {column.begin(), column.begin() + end};
        wanted.erase(key);
      }
      kept += series.times.size() * (1 + series.cells.size());
    }
    scope_.run.let_go(held - kept);
    held = kept;
    stretch = std::min(stretch * kStretchGrowth, most);
  }
  return {};
}

Result<RowSet> Runner::computed(RowSet slots) const {
  const std::vector<Field>& fields = scope_.select.statement.fields;
  // A single call or name is its slot as it stands.
  if (fields.size() == 1 && slot_of(fields.front().expr) == 0) {
    for (auto& [key, series] : slots) {
      GS_CHECK(scope_.run.hold(series.times.size() * 2));
      series.cells.resize(1);
    }
    return slots;
  }
  std::vector<Formula> formulas;
  for (const Field& field : fields) {
    formulas.push_back(Formula::compile(field.expr, [this](const ExprPtr& expr) { return slot_of(expr); }));
  }
  std::vector<Value> row;
  for (auto& [key, series] : slots) {
    GS_CHECK(scope_.run.hold(series.times.size() * (1 + formulas.size())));
    std::vector<std::vector<Value>> cells(formulas.size(), std::vector<Value>(series.times.size()));
    row.resize(series.cells.size());
    for (std::size_t r = 0; r < series.times.size(); ++r) {
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = series.cells[c][r];
      for (std::size_t f = 0; f < formulas.size(); ++f) cells[f][r] = formulas[f].eval(row);
    }
    series.cells = std::move(cells);
  }
  return slots;
}

/// What stands in a slot without a value: the number of fill(), as the type of the slot has it.
std::vector<Value> Runner::slot_defaults() const {
  std::vector<Value> out(calls_.size() + scope_.refs.size());
  if (scope_.filling.how != Fill::kNumber) return out;
  const auto of_type = [this](DataType type) -> Value {
    if (type == DataType::kUnknown) return {};
    // Observed: texts and booleans show the number itself here.
    const bool number = type == DataType::kFloat || type == DataType::kInteger;
    return fill_as(scope_.filling.value, number ? type : DataType::kTag);
  };
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    out[i] = of_type(points_.type_of_call(*as<Call>(calls_[i])));
  }
  for (std::size_t r = 0; r < scope_.refs.size(); ++r) {
    const DataType type = scope_.refs[r].type;
    out[calls_.size() + r] = of_type(type == DataType::kUnknown ? DataType::kTag : type);
  }
  return out;
}

/// fill(previous) and fill(number) over the slots of one series, where a value is missing.
void Runner::fill_slots(SeriesRows& rows, const std::vector<Value>& defaults) const {
  if (scope_.filling.how != Fill::kPrevious && scope_.filling.how != Fill::kNumber) return;
  for (std::size_t c = 0; c < rows.cells.size(); ++c) {
    Value stand_in = defaults[c];
    for (Value& value : rows.cells[c]) {
      if (is_null(value)) {
        value = stand_in;
      } else if (scope_.filling.how == Fill::kPrevious) {
        stand_in = value;
      }
    }
  }
}

/// The points of all calls, time by time; null where a call has none. What a selector carries along follows.
SeriesRows Runner::align(const std::vector<const Points*>& lists) const {
  std::vector<std::size_t> at(lists.size(), 0);
  SeriesRows rows;
  rows.cells.resize(lists.size() + scope_.refs.size());
  const auto head = [&](std::size_t i) -> std::optional<std::int64_t> {
    if (lists[i] == nullptr || at[i] >= lists[i]->times.size()) return std::nullopt;
    return lists[i]->times[at[i]];
  };
  while (true) {
    std::optional<std::int64_t> time;
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const auto next = head(i);
      if (next && (!time || (scope_.frame.ascending ? *next < *time : *next > *time))) time = next;
    }
    if (!time) return rows;
    rows.times.push_back(*time);
    for (std::size_t r = 0; r < scope_.refs.size(); ++r) rows.cells[lists.size() + r].emplace_back();
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const bool here = head(i) == time;
      rows.cells[i].push_back(here ? lists[i]->values[at[i]] : Value());
      if (!here) continue;
      const bool carries = i == 0 && lists[i]->aux.size() == scope_.refs.size() * lists[i]->times.size();
      for (std::size_t r = 0; carries && r < scope_.refs.size(); ++r) {
        rows.cells[lists.size() + r].back() = lists[i]->aux[at[i] * scope_.refs.size() + r];
      }
      ++at[i];
    }
  }
}

/// align() of the points of the only call.
SeriesRows Runner::rows_of_one(Points&& points) const {
  SeriesRows rows;
  const std::size_t width = scope_.refs.size();
  rows.cells.resize(1 + width);
  const bool carries = points.aux.size() == width * points.times.size();
  for (std::size_t r = 0; r < width; ++r) {
    rows.cells[1 + r].resize(points.times.size());
    for (std::size_t i = 0; carries && i < points.times.size(); ++i)
      rows.cells[1 + r][i] = points.aux[i * width + r];
  }
  rows.times = std::move(points.times);
  rows.cells.front() = std::move(points.values);
  return rows;
}

Result<RowSet> Runner::call_rows() {
  const bool selector = calls_.size() == 1 && is_selector(as<Call>(calls_.front())->name);
  std::vector<PointSet> sets;
  std::set<SeriesKey> keys;
  for (const ExprPtr& expr : calls_) {
    GS_TRY(PointSet points, points_.of(expr, scope_.frame, selector));
    for (auto& [key, list] : points) {
      const std::size_t width = list.times.empty() ? 0 : list.aux.size() / list.times.size();
      cut(list.times, scope_.select.statement.offset, scope_.select.statement.limit);
      cut(list.values, scope_.select.statement.offset, scope_.select.statement.limit);
      cut(list.aux, scope_.select.statement.offset, scope_.select.statement.limit, width);
      if (calls_.size() > 1 && !list.times.empty()) keys.insert(key);
    }
    sets.push_back(std::move(points));
  }
  RowSet slots;
  const std::vector<Value> defaults = slot_defaults();
  if (calls_.size() == 1) {
    slots.reserve(sets.front().size());
    for (auto& [key, points] : sets.front()) {
      if (points.times.empty()) continue;
      SeriesRows rows = rows_of_one(std::move(points));
      fill_slots(rows, defaults);
      slots.emplace_hint(slots.end(), std::move(key), std::move(rows));
    }
  }
  for (const SeriesKey& key : keys) {
    std::vector<const Points*> lists;
    for (const PointSet& set : sets) {
      const auto found = set.find(key);
      lists.push_back(found == set.end() ? nullptr : &found->second);
    }
    SeriesRows rows = align(lists);
    fill_slots(rows, defaults);
    slots.emplace_hint(slots.end(), key, std::move(rows));
  }
  return computed(std::move(slots));
}

void add_cell(CellTable& table, const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    if (std::isfinite(*number)) return table.add(*number);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return table.add(*integer);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    return table.add(*flag);
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    return table.add(std::string(*text));
  }
  table.add(std::monostate());
}

/// Makes the result series of one statement.
class RowMaker {
 public:
  explicit RowMaker(const PreparedSelect& select) : select_(select), columns_(select.columns) {
    for (const ExprPtr& dimension : select.statement.dimensions) {
      const auto* ref = as<VarRef>(dimension);
      if (ref == nullptr) continue;
      const auto at = std::lower_bound(select.dimensions.begin(), select.dimensions.end(), ref->name);
      const auto place = static_cast<std::size_t>(at - select.dimensions.begin());
      if (std::none_of(tags_.begin(), tags_.end(), [&](const auto& tag) { return tag.second == place; }))
        tags_.emplace_back(ref->name, place);
    }
  }

  Row row_of(SeriesKey&& key, const SeriesRows& series) const {
    Row out;
    out.name = std::move(key.name);
    out.columns = columns_;
    out.zone = select_.statement.zone;
    out.has_tags = !select_.dimensions.empty();
    out.tags.reserve(tags_.size());
    for (const auto& [name, place] : tags_) out.tags.push_back({name, std::move(key.tags[place])});
    out.values.reserve(series.times.size(), 1 + series.cells.size());
    for (std::size_t r = 0; r < series.times.size(); ++r) {
      out.values.add(base::from_unix_nanos(series.times[r]));
      for (const auto& column : series.cells) add_cell(out.values, column[r]);
    }
    return out;
  }

 private:
  const PreparedSelect& select_;
  const ColumnNames columns_;
  std::vector<std::pair<std::string, std::size_t>> tags_;  // as asked for, and where in the key
};

}  // namespace

Result<SelectRows> run_select(Run& run, const PreparedSelect& select, const Surroundings* outer) {
  return Runner(run, select, outer).rows();
}

Result<std::vector<Row>> execute_select(Run& run, const SelectStatement& statement) {
  GS_TRY(const CheckedSelect checked, check_select(statement, run.context().now));
  GS_TRY(const PreparedSelect prepared, prepare_select(run, checked.statement));
  GS_TRY(SelectRows result, run_select(run, prepared, nullptr));
  if (statement.target) return write_into(run, prepared, result);
  const RowMaker maker(prepared);
  std::vector<Row> out;
  out.reserve(result.rows.size());
  for (auto& [key, series] : result.rows) {
    if (!series.times.empty()) out.push_back(maker.row_of(std::move(key), series));
  }
  if (!statement.ascending()) std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace gpuscale::influxql
