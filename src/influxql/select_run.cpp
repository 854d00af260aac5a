// SPDX-License-Identifier: Apache-2.0
#include "influxql/select_run.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "influxql/aggregates.h"
#include "influxql/math_functions.h"
#include "influxql/merge.h"
#include "influxql/select_into.h"
#include "influxql/transforms.h"

namespace gpuscale::influxql {

namespace {

template <typename T>
void cut(std::vector<T>& list, std::int64_t offset, std::int64_t limit, std::size_t width = 1) {
  const auto size = static_cast<std::int64_t>(width == 0 ? 0 : list.size() / width);
  const std::int64_t from = std::min(offset, size);
  const std::int64_t to = limit > 0 && limit < size - from ? from + limit : size;
  const auto at = [&](std::int64_t i) {
    return list.begin() + static_cast<std::ptrdiff_t>(i) * static_cast<std::ptrdiff_t>(width);
  };
  list.erase(at(to), list.end());
  list.erase(list.begin(), at(from));
}

Result<void> check_type(const Call& call, DataType type);

bool same_ref(const VarRef& a, const VarRef& b) {
  return a.name == b.name && a.type == b.type;
}

class Runner {
 public:
  Runner(Run& run, const PreparedSelect& select, const Surroundings* outer)
      : run_(run), select_(select), statement_(select.statement), subquery_(outer != nullptr) {
    frame_.zone = Zone(statement_.zone);
    frame_.interval = select.interval;
    frame_.ascending = outer == nullptr ? statement_.ascending() : outer->frame.ascending;
    if (frame_.interval.every_ns == 0 && outer != nullptr) frame_.interval = outer->frame.interval;
    frame_.min = select.condition.time.min.value_or(kMinTime);
    frame_.max = select.condition.time.max.value_or(kMaxTime);
    dimensions_ = select.dimensions;
    limited_dimensions_ = outer == nullptr ? select.dimensions : outer->limited_dimensions;
    slimit_ = statement_.slimit;
    soffset_ = statement_.soffset;
    if (outer != nullptr) {
      frame_.min = std::max(frame_.min, outer->frame.min);
      frame_.max = std::min(frame_.max, outer->frame.max);
      std::set<std::string> all(dimensions_.begin(), dimensions_.end());
      all.insert(outer->dimensions.begin(), outer->dimensions.end());
      dimensions_.assign(all.begin(), all.end());
      slimit_ += outer->slimit;
      soffset_ += outer->soffset;
    }
    if (frame_.bucketed() && frame_.max == kMaxTime && !select.condition.time.max) {
      frame_.max = base::to_unix_nanos(run.context().now);
    }
    filling_ = {statement_.fill, statement_.fill_value};
    if (subquery_ && filling_.how == Fill::kNull) filling_.how = Fill::kNone;
  }

  Result<SelectRows> rows() {
    map_fields();
    if (slimit_ == 0 && soffset_ > 0)
      return SelectRows{{}, dimensions_};  // as InfluxDB: SOFFSET needs SLIMIT
    GS_CHECK(check_buckets());
    SelectRows out;
    out.dimensions = dimensions_;
    if (calls_.empty()) {
      GS_TRY(out.rows, raw_rows());
    } else {
      GS_TRY(out.rows, call_rows());
    }
    return out;
  }

 private:
  using Parts = std::map<SeriesKey, std::vector<SeriesRows>>;

  void map_fields();
  int slot_of(const ExprPtr& expr) const;
  Result<void> check_buckets() const;
  Result<RowSet> raw_rows();
  Result<RowSet> call_rows();
  std::vector<Value> slot_defaults() const;
  void fill_slots(SeriesRows& rows, const std::vector<Value>& defaults) const;
  SeriesRows align(const std::vector<const Points*>& lists) const;
  Result<RowSet> computed(const std::map<SeriesKey, SeriesRows>& slots) const;
  Result<void> read(const ReadRequest& request, const RowSink& sink);
  Result<const SelectRows*> subquery_rows(const DataSourceRef& source, const TimeFrame& frame);
  ReadRequest request_for(const VarRef& driver, const TimeFrame& frame, bool with_aux) const;
  Result<PointSet> points_of(const ExprPtr& expr, const TimeFrame& frame, bool selector);
  Result<PointSet> raw_points(const VarRef& ref, const TimeFrame& frame, bool with_aux);
  Result<PointSet> base_call(const Call& call, const TimeFrame& frame, bool selector);
  Result<PointSet> streaming(const Call& call, const VarRef& ref, const TimeFrame& frame, bool selector);
  Result<PointSet> bucketwise(const Call& call, const VarRef& ref, const TimeFrame& frame, bool selector);
  Result<PointSet> grouped_extremes(const Call& call, const VarRef& ref, const TimeFrame& frame);
  Points reduce(const Call& call, const Points& in, const TimeFrame& frame, std::size_t aux_width) const;
  Result<PointSet> shaped(const Call& call, PointSet in, const TimeFrame& frame, bool selector,
                          std::size_t aux_width);
  DataType call_type(const Call& call) const { return type_of(make_expr(call), select_.sources); }

  Run& run_;
  const PreparedSelect& select_;
  const SelectStatement& statement_;
  bool subquery_;
  TimeFrame frame_;
  std::vector<std::string> dimensions_;
  std::vector<std::string> limited_dimensions_;
  std::int64_t slimit_ = 0;
  std::int64_t soffset_ = 0;
  Filling filling_;
  std::vector<ExprPtr> calls_;
  std::vector<std::string> call_texts_;
  std::vector<VarRef> refs_;
  struct Cached {
    const DataSourceRef* source;
    std::int64_t min;
    std::int64_t max;
    std::shared_ptr<const SelectRows> rows;
  };
  std::vector<Cached> cache_;
};

void Runner::map_fields() {
  for (const Field& field : statement_.fields) {
    const std::function<void(const ExprPtr&)> visit = [&](const ExprPtr& node) {
      if (const auto* ref = as<VarRef>(node)) {
        if (std::none_of(refs_.begin(), refs_.end(), [&](const VarRef& r) { return same_ref(r, *ref); }))
          refs_.push_back(*ref);
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
  std::sort(refs_.begin(), refs_.end(), [](const VarRef& a, const VarRef& b) {
    return a.name != b.name ? a.name < b.name : a.type < b.type;
  });
}

int Runner::slot_of(const ExprPtr& expr) const {
  if (const auto* ref = as<VarRef>(expr)) {
    const auto found =
        std::find_if(refs_.begin(), refs_.end(), [&](const VarRef& r) { return same_ref(r, *ref); });
    if (found == refs_.end()) return Formula::kNull;
    return static_cast<int>(calls_.size()) + static_cast<int>(found - refs_.begin());
  }
  const auto* call = as<Call>(expr);
  if (call == nullptr || is_math_function(call->name)) return Formula::kNotASlot;
  const auto found = std::find(call_texts_.begin(), call_texts_.end(), print(expr));
  return found == call_texts_.end() ? Formula::kNull : static_cast<int>(found - call_texts_.begin());
}

Result<void> Runner::check_buckets() const {
  const std::size_t most = run_.limits().max_buckets;
  if (most == 0 || calls_.empty() || frame_.min == kMinTime) return {};
  const std::uint64_t buckets = frame_.buckets();
  if (buckets <= most) return {};
  return fail(Errc::kExhausted, "max-select-buckets limit exceeded: (" + std::to_string(buckets) + "/" +
                                    std::to_string(most) + ")");
}

Result<const SelectRows*> Runner::subquery_rows(const DataSourceRef& source, const TimeFrame& frame) {
  for (const Cached& cached : cache_) {
    if (cached.source == &source && cached.min == frame.min && cached.max == frame.max)
      return cached.rows.get();
  }
  const Surroundings here{frame, dimensions_, limited_dimensions_, slimit_, soffset_};
  GS_TRY(SelectRows rows, run_select(run_, *source.subquery, &here));
  cache_.push_back({&source, frame.min, frame.max, std::make_shared<const SelectRows>(std::move(rows))});
  run_.keep(std::shared_ptr<const void>(cache_.back().rows));  // values of ours may be texts of theirs
  return cache_.back().rows.get();
}

Result<void> Runner::read(const ReadRequest& request, const RowSink& sink) {
  for (const DataSourceRef& source : select_.sources) {
    if (!source.subquery) {
      GS_CHECK(read_measurement(run_, source, request, sink));
      continue;
    }
    GS_TRY(const SelectRows* inner, subquery_rows(source, request.frame));
    const std::vector<std::string> columns(source.subquery->columns.begin() + 1,
                                           source.subquery->columns.end());
    GS_CHECK(read_rows(run_, inner->rows, columns, inner->dimensions, request, sink));
  }
  return {};
}

ReadRequest Runner::request_for(const VarRef& driver, const TimeFrame& frame, bool with_aux) const {
  ReadRequest out;
  out.refs.push_back(driver);
  if (with_aux) out.refs.insert(out.refs.end(), refs_.begin(), refs_.end());
  out.drivers = {0};
  out.filter = select_.condition.filter;
  out.frame = frame;
  out.dimensions = dimensions_;
  out.limited_dimensions = limited_dimensions_;
  out.slimit = slimit_;
  out.soffset = soffset_;
  return out;
}

Result<RowSet> Runner::raw_rows() {
  ReadRequest request;
  request.refs = refs_;
  const bool known =
      std::any_of(refs_.begin(), refs_.end(), [](const VarRef& r) { return r.type != DataType::kUnknown; });
  if (!known) return RowSet();
  for (std::size_t i = 0; i < refs_.size(); ++i) {
    if (refs_[i].type != DataType::kTag) request.drivers.push_back(i);
  }
  request.every_row = true;
  request.filter = select_.condition.filter;
  request.frame = frame_;
  request.dimensions = dimensions_;
  request.limited_dimensions = limited_dimensions_;
  request.slimit = slimit_;
  request.soffset = soffset_;
  Parts parts;
  GS_CHECK(read(request, [&](const SeriesKey& key, SeriesRows rows) -> Result<void> {
    GS_CHECK(run_.hold(rows.times.size() * (1 + rows.cells.size())));
    parts[key].push_back(std::move(rows));
    return {};
  }));
  RowSet merged;
  for (auto& [key, series] : parts) {
    SeriesRows rows = merge(std::move(series), frame_.ascending, 0);
    cut(rows.times, statement_.offset, statement_.limit);
    for (auto& column : rows.cells) cut(column, statement_.offset, statement_.limit);
    fill_slots(rows, slot_defaults());
    if (!rows.times.empty()) merged.emplace(key, std::move(rows));
  }
  return computed(merged);
}

Result<RowSet> Runner::computed(const std::map<SeriesKey, SeriesRows>& slots) const {
  std::vector<Formula> formulas;
  for (const Field& field : statement_.fields) {
    formulas.push_back(Formula::compile(field.expr, [this](const ExprPtr& expr) { return slot_of(expr); }));
  }
  RowSet out;
  for (const auto& [key, series] : slots) {
    GS_CHECK(run_.hold(series.times.size() * (1 + formulas.size())));
    SeriesRows rows;
    rows.times = series.times;
    rows.cells.assign(formulas.size(), std::vector<Value>(series.times.size()));
    std::vector<Value> row(series.cells.size());
    for (std::size_t r = 0; r < series.times.size(); ++r) {
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = series.cells[c][r];
      for (std::size_t f = 0; f < formulas.size(); ++f) {
        rows.cells[f][r] = formulas[f].eval(row);
      }
    }
    out.emplace(key, std::move(rows));
  }
  return out;
}

/// What stands in a slot without a value: the number of fill(), as the type of the slot has it.
std::vector<Value> Runner::slot_defaults() const {
  std::vector<Value> out(calls_.size() + refs_.size());
  if (filling_.how != Fill::kNumber) return out;
  const auto of_type = [this](DataType type) -> Value {
    if (type == DataType::kUnknown) return {};
    // Observed: texts and booleans show the number itself here.
    const bool number = type == DataType::kFloat || type == DataType::kInteger;
    return fill_as(filling_.value, number ? type : DataType::kTag);
  };
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    out[i] = of_type(call_type(*as<Call>(calls_[i])));
  }
  for (std::size_t r = 0; r < refs_.size(); ++r) {
    const DataType type = refs_[r].type;
    out[calls_.size() + r] = of_type(type == DataType::kUnknown ? DataType::kTag : type);
  }
  return out;
}

/// fill(previous) and fill(number) over the slots of one series, where a value is missing.
void Runner::fill_slots(SeriesRows& rows, const std::vector<Value>& defaults) const {
  if (filling_.how != Fill::kPrevious && filling_.how != Fill::kNumber) return;
  for (std::size_t c = 0; c < rows.cells.size(); ++c) {
    Value stand_in = defaults[c];
    for (Value& value : rows.cells[c]) {
      if (is_null(value)) {
        value = stand_in;
      } else if (filling_.how == Fill::kPrevious) {
        stand_in = value;
      }
    }
  }
}

/// The points of all calls, time by time; null where a call has none. What a selector carries along follows.
SeriesRows Runner::align(const std::vector<const Points*>& lists) const {
  std::vector<std::size_t> at(lists.size(), 0);
  SeriesRows rows;
  rows.cells.resize(lists.size() + refs_.size());
  const auto head = [&](std::size_t i) -> std::optional<std::int64_t> {
    if (lists[i] == nullptr || at[i] >= lists[i]->times.size()) return std::nullopt;
    return lists[i]->times[at[i]];
  };
  while (true) {
    std::optional<std::int64_t> time;
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const auto next = head(i);
      if (next && (!time || (frame_.ascending ? *next < *time : *next > *time))) time = next;
    }
    if (!time) return rows;
    rows.times.push_back(*time);
    for (std::size_t r = 0; r < refs_.size(); ++r) rows.cells[lists.size() + r].emplace_back();
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const bool here = head(i) == time;
      rows.cells[i].push_back(here ? lists[i]->values[at[i]] : Value());
      if (!here) continue;
      const bool carries = i == 0 && lists[i]->aux.size() == refs_.size() * lists[i]->times.size();
      for (std::size_t r = 0; carries && r < refs_.size(); ++r) {
        rows.cells[lists.size() + r].back() = lists[i]->aux[at[i] * refs_.size() + r];
      }
      ++at[i];
    }
  }
}

Result<RowSet> Runner::call_rows() {
  const bool selector = calls_.size() == 1 && is_selector(as<Call>(calls_.front())->name);
  std::vector<PointSet> sets;
  std::set<SeriesKey> keys;
  for (const ExprPtr& expr : calls_) {
    GS_TRY(PointSet points, points_of(expr, frame_, selector));
    for (auto& [key, list] : points) {
      const std::size_t width = list.times.empty() ? 0 : list.aux.size() / list.times.size();
      cut(list.times, statement_.offset, statement_.limit);
      cut(list.values, statement_.offset, statement_.limit);
      cut(list.aux, statement_.offset, statement_.limit, width);
      if (!list.times.empty()) keys.insert(key);
    }
    sets.push_back(std::move(points));
  }
  RowSet slots;
  const std::vector<Value> defaults = slot_defaults();
  for (const SeriesKey& key : keys) {
    std::vector<const Points*> lists;
    for (const PointSet& set : sets) {
      const auto found = set.find(key);
      lists.push_back(found == set.end() ? nullptr : &found->second);
    }
    SeriesRows rows = align(lists);
    fill_slots(rows, defaults);
    slots.emplace(key, std::move(rows));
  }
  return computed(slots);
}

Result<PointSet> Runner::raw_points(const VarRef& ref, const TimeFrame& frame, bool with_aux) {
  Parts parts;
  GS_CHECK(
      read(request_for(ref, frame, with_aux), [&](const SeriesKey& key, SeriesRows rows) -> Result<void> {
        GS_CHECK(run_.hold(rows.times.size() * (1 + rows.cells.size())));
        parts[key].push_back(std::move(rows));
        return {};
      }));
  PointSet out;
  for (auto& [key, series] : parts) {
    SeriesRows rows = merge(std::move(series), frame.ascending, 1);
    Points& points = out[key];
    points.times = std::move(rows.times);
    points.values = std::move(rows.cells.front());
    for (std::size_t r = 0; r < points.times.size(); ++r) {
      for (std::size_t c = 1; c < rows.cells.size(); ++c) points.aux.push_back(rows.cells[c][r]);
    }
  }
  return out;
}

/// Which types a function takes; the rest is refused in InfluxDB's words.
Result<void> check_type(const Call& call, DataType type) {
  constexpr std::array<std::string_view, 7> kAnyType = {"count",    "first",  "last",   "mode",
                                                        "distinct", "sample", "elapsed"};
  if (type != DataType::kString && type != DataType::kBoolean) return {};
  if (std::find(kAnyType.begin(), kAnyType.end(), call.name) != kAnyType.end()) return {};
  if (type == DataType::kBoolean && (call.name == "min" || call.name == "max")) return {};
  std::string name = call.name;
  if (name.starts_with("non_negative_")) name.erase(0, std::string_view("non_negative_").size());
  std::replace(name.begin(), name.end(), '_', ' ');
  return fail(Errc::kInvalidArgument, "unsupported " + name + " iterator type: *query." +
                                          std::string(to_string(type)) + "InterruptIterator");
}

Result<PointSet> Runner::points_of(const ExprPtr& expr, const TimeFrame& frame, bool selector) {
  if (const auto* ref = as<VarRef>(expr)) {
    if (ref->type == DataType::kUnknown || ref->type == DataType::kTag) return PointSet();
    return raw_points(*ref, frame, false);
  }
  const auto* call = as<Call>(expr);
  if (call == nullptr)
    return fail(Errc::kInvalidArgument, "invalid expression type: " + std::string(go_type_name(expr)));
  if (call->name.starts_with("holt_winters")) {
    return fail(Errc::kUnsupported, call->name + "() is not offered by this server");
  }
  if (!is_transformation(call->name)) return base_call(*call, frame, selector);
  GS_CHECK(check_type(*call, type_of(call->args.front(), select_.sources)));
  TimeFrame wider = frame;
  if (frame.bucketed()) {
    const std::int64_t before = buckets_before(*call) * frame.interval.every_ns;
    if (frame.ascending && frame.min != kMinTime) wider.min = std::max(kMinTime, frame.min - before);
    if (!frame.ascending && frame.max != kMaxTime) wider.max = std::min(kMaxTime, frame.max + before);
  }
  GS_TRY(PointSet in, points_of(call->args.front(), wider, selector));
  PointSet out;
  for (const auto& [key, points] : in) {
    Points made = transform(*call, points, frame);
    if (!made.times.empty()) out.emplace(key, std::move(made));
  }
  return out;
}

Result<PointSet> Runner::base_call(const Call& call, const TimeFrame& frame, bool selector) {
  const auto* inner = as<Call>(call.args.front());
  if (call.name == "count" && inner != nullptr) {
    GS_TRY(PointSet in, points_of(call.args.front(), frame, false));
    PointSet out;
    for (const auto& [key, points] : in) {
      StreamingAggregate count("count", frame);
      SeriesRows rows;
      rows.times = points.times;
      rows.cells.push_back(points.values);
      count.add(rows);
      out.emplace(key, count.finish());
    }
    return shaped(call, std::move(out), frame, selector, 0);
  }
  const auto* ref = as<VarRef>(call.args.front());
  if (ref == nullptr) return fail(Errc::kInvalidArgument, "expected field argument in " + call.name + "()");
  if (ref->type == DataType::kUnknown || ref->type == DataType::kTag) return PointSet();
  if (StreamingAggregate::knows(call.name)) return streaming(call, *ref, frame, selector);
  if (call.name == "integral") {
    GS_CHECK(check_type(call, ref->type));
    GS_TRY(PointSet in, raw_points(*ref, frame, false));
    PointSet out;
    for (const auto& [key, points] : in) out.emplace(key, integrate(call, points, frame));
    return out;
  }
  if ((call.name == "top" || call.name == "bottom") && call.args.size() > 2)
    return grouped_extremes(call, *ref, frame);
  return bucketwise(call, *ref, frame, selector);
}

Result<PointSet> Runner::streaming(const Call& call, const VarRef& ref, const TimeFrame& frame,
                                   bool selector) {
  GS_CHECK(check_type(call, ref.type));
  std::map<SeriesKey, StreamingAggregate> groups;
  const bool with_aux = is_selector(call.name) && !refs_.empty();
  GS_CHECK(read(request_for(ref, frame, with_aux),
                [&](const SeriesKey& key, const SeriesRows& rows) -> Result<void> {
                  groups.try_emplace(key, call.name, frame).first->second.add(rows);
                  return {};
                }));
  PointSet out;
  for (const auto& [key, group] : groups) out.emplace(key, group.finish());
  return shaped(call, std::move(out), frame, selector, with_aux ? refs_.size() : 0);
}

Points Runner::reduce(const Call& call, const Points& in, const TimeFrame& frame,
                      std::size_t aux_width) const {
  double parameter = 0;
  if (call.args.size() > 1) {
    if (const auto* number = as<double>(call.args.back())) parameter = *number;
    if (const auto* integer = as<std::int64_t>(call.args.back())) parameter = static_cast<double>(*integer);
  }
  Points out;
  std::size_t i = 0;
  while (i < in.times.size()) {
    const Window window = frame.window(in.times[i]);
    std::vector<BucketPoint> bucket;
    do {
      if (!is_null(in.values[i])) bucket.push_back({in.times[i], in.values[i], i});
      ++i;
    } while (i < in.times.size() && in.times[i] >= window.start && in.times[i] < window.end);
    const std::vector<BucketResult> results = reduce_bucket(call.name, std::move(bucket), parameter);
    for (const BucketResult& result : results) {
      out.times.push_back(result.own_time ? result.time : window.start);
      out.values.push_back(result.value);
      for (std::size_t a = 0; a < aux_width; ++a) out.aux.push_back(in.aux[result.index * aux_width + a]);
    }
  }
  return out;
}

Result<PointSet> Runner::bucketwise(const Call& call, const VarRef& ref, const TimeFrame& frame,
                                    bool selector) {
  GS_CHECK(check_type(call, ref.type));
  const bool with_aux = is_selector(call.name) && !refs_.empty();
  const std::size_t width = with_aux ? refs_.size() : 0;
  GS_TRY(PointSet in, raw_points(ref, frame, with_aux));
  PointSet out;
  for (const auto& [key, points] : in) {
    Points made = reduce(call, points, frame, width);
    if (!made.times.empty()) out.emplace(key, std::move(made));
  }
  if (call.name == "top" || call.name == "bottom" || call.name == "sample") return out;
  return shaped(call, std::move(out), frame, selector, width);
}

Result<PointSet> Runner::grouped_extremes(const Call& call, const VarRef& ref, const TimeFrame& frame) {
  // First the extreme of every combination of the named tags, then the top of those.
  GS_CHECK(check_type(call, ref.type));
  ReadRequest request = request_for(ref, frame, true);
  std::set<std::string> all(dimensions_.begin(), dimensions_.end());
  for (std::size_t i = 1; i + 1 < call.args.size(); ++i) {
    if (const auto* tag = as<VarRef>(call.args[i])) all.insert(tag->name);
  }
  request.dimensions.assign(all.begin(), all.end());
  std::map<SeriesKey, StreamingAggregate> groups;
  const std::string_view function = call.name == "top" ? "max" : "min";
  GS_CHECK(read(request, [&](const SeriesKey& key, const SeriesRows& rows) -> Result<void> {
    groups.try_emplace(key, function, frame).first->second.add(rows);
    return {};
  }));
  Parts parts;
  for (const auto& [key, group] : groups) {
    const Points points = group.finish();
    SeriesKey own{key.name, {}};
    for (const std::string& dimension : dimensions_) {
      const auto at = std::find(request.dimensions.begin(), request.dimensions.end(), dimension) -
                      request.dimensions.begin();
      own.tags.push_back(key.tags[static_cast<std::size_t>(at)]);
    }
    SeriesRows rows;
    rows.times = points.times;
    rows.cells.push_back(points.values);
    rows.cells.resize(1 + refs_.size());
    for (std::size_t i = 0; i < points.aux.size(); ++i)
      rows.cells[1 + i % refs_.size()].push_back(points.aux[i]);
    parts[own].push_back(std::move(rows));
  }
  PointSet out;
  for (auto& [key, series] : parts) {
    const SeriesRows rows = merge(std::move(series), frame.ascending, 1);
    Points points;
    points.times = rows.times;
    points.values = rows.cells.front();
    for (std::size_t r = 0; r < points.times.size(); ++r) {
      for (std::size_t c = 1; c < rows.cells.size(); ++c) points.aux.push_back(rows.cells[c][r]);
    }
    out.emplace(key, reduce(call, points, frame, refs_.size()));
  }
  return out;
}

Result<PointSet> Runner::shaped(const Call& call, PointSet in, const TimeFrame& frame, bool selector,
                                std::size_t aux_width) {
  if (selector && !frame.bucketed()) return in;
  Filling filling = filling_;
  if (call.name == "count" && filling.how == Fill::kNull) filling = {Fill::kNumber, std::int64_t{0}};
  const QueryLimits& limits = run_.limits();
  const std::size_t most = limits.max_buckets > 0 ? limits.max_buckets : limits.max_values;
  for (auto& [key, points] : in) {
    for (std::int64_t& time : points.times) time = frame.row_time(time);
    if (!frame.bucketed() || filling.how == Fill::kNone || call.name == "distinct") continue;
    GS_TRY(points, fill_buckets(std::move(points), frame, filling, call_type(call), aux_width, most));
    GS_CHECK(run_.hold(2 * points.times.size()));
  }
  return in;
}

Cell cell_of(const Value& value) {
  if (const auto* number = std::get_if<double>(&value))
    return std::isfinite(*number) ? Cell(*number) : Cell();
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  return {};
}

Row row_of(const SeriesKey& key, const SeriesRows& series, const PreparedSelect& select) {
  Row out;
  out.name = key.name;
  out.columns = select.columns;
  out.zone = select.statement.zone;
  out.has_tags = !select.dimensions.empty();
  for (const ExprPtr& dimension : select.statement.dimensions) {
    const auto* ref = as<VarRef>(dimension);
    if (ref == nullptr) continue;
    const auto at = std::lower_bound(select.dimensions.begin(), select.dimensions.end(), ref->name);
    metrics::Tag tag{ref->name, key.tags[static_cast<std::size_t>(at - select.dimensions.begin())]};
    if (std::find(out.tags.begin(), out.tags.end(), tag) == out.tags.end())
      out.tags.push_back(std::move(tag));
  }
  out.values.reserve(series.times.size());
  for (std::size_t r = 0; r < series.times.size(); ++r) {
    std::vector<Cell>& row = out.values.emplace_back();
    row.reserve(out.columns.size());
    row.emplace_back(base::from_unix_nanos(series.times[r]));
    for (const auto& column : series.cells) row.push_back(cell_of(column[r]));
  }
  return out;
}

}  // namespace

Result<SelectRows> run_select(Run& run, const PreparedSelect& select, const Surroundings* outer) {
  return Runner(run, select, outer).rows();
}

Result<std::vector<Row>> execute_select(Run& run, const SelectStatement& statement) {
  GS_TRY(const CheckedSelect checked, check_select(statement, run.context().now));
  GS_TRY(const PreparedSelect prepared, prepare_select(run, checked.statement));
  GS_TRY(const SelectRows result, run_select(run, prepared, nullptr));
  if (statement.target) return write_into(run, prepared, result);
  std::vector<Row> out;
  for (const auto& [key, series] : result.rows) {
    if (!series.times.empty()) out.push_back(row_of(key, series, prepared));
  }
  if (!statement.ascending()) std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace gpuscale::influxql
