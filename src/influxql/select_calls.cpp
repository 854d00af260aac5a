// SPDX-License-Identifier: Apache-2.0
#include "influxql/select_calls.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "influxql/aggregates.h"
#include "influxql/bucket_scan.h"
#include "influxql/merge.h"
#include "influxql/rank_scan.h"
#include "influxql/stretches.h"
#include "influxql/transforms.h"

namespace gpuscale::influxql {

namespace {

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

/// Those are held until the statement ends.
bool asks_for_texts(const ReadRequest& request) {
  return std::any_of(request.refs.begin(), request.refs.end(), [](const VarRef& ref) {
    return ref.type != DataType::kFloat && ref.type != DataType::kInteger && ref.type != DataType::kBoolean &&
           ref.type != DataType::kTag;
  });
}

/// The number that a call ends with.
double parameter_of(const Call& call) {
  if (call.args.size() < 2) return 0;
  if (const auto* number = as<double>(call.args.back())) return *number;
  const auto* integer = as<std::int64_t>(call.args.back());
  return integer == nullptr ? 0 : static_cast<double>(*integer);
}

/// The series of a group, whose first cells are the values.
Points points_of(std::vector<SeriesRows> series, bool ascending) {
  SeriesRows rows = merge(std::move(series), ascending, 1);
  Points out;
  out.times = std::move(rows.times);
  out.values = std::move(rows.cells.front());
  for (std::size_t r = 0; r < out.times.size(); ++r) {
    for (std::size_t c = 1; c < rows.cells.size(); ++c) out.aux.push_back(rows.cells[c][r]);
  }
  return out;
}

/// The rows of groups bucket by bucket, those of a bucket in the order of the groups and not of their times:
/// so InfluxDB looks at them, which tells of equals in top() and bottom().
Points bucket_by_bucket(std::vector<SeriesRows> groups, const TimeFrame& frame) {
  struct At {
    std::int64_t bucket;
    std::size_t group;
    std::size_t row;
  };
  std::vector<At> order;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t r = 0; r < groups[g].times.size(); ++r)
      order.push_back({frame.window(groups[g].times[r]).start, g, r});
  }
  std::stable_sort(order.begin(), order.end(), [&frame](const At& a, const At& b) {
    return frame.ascending ? a.bucket < b.bucket : a.bucket > b.bucket;
  });
  Points out;
  for (const At& at : order) {
    SeriesRows& rows = groups[at.group];
    out.times.push_back(rows.times[at.row]);
    out.values.push_back(std::move(rows.cells.front()[at.row]));
    for (std::size_t c = 1; c < rows.cells.size(); ++c) out.aux.push_back(std::move(rows.cells[c][at.row]));
  }
  return out;
}

}  // namespace

Result<const SelectRows*> CallPoints::subquery_rows(const DataSourceRef& source, const TimeFrame& frame) {
  for (const Cached& cached : cache_) {
    if (cached.source == &source && cached.min == frame.min && cached.max == frame.max)
      return cached.rows.get();
  }
  const Surroundings here = scope_.surroundings_in(frame);
  GS_TRY(SelectRows rows, run_select(scope_.run, *source.subquery, &here));
  cache_.push_back({&source, frame.min, frame.max, std::make_shared<const SelectRows>(std::move(rows))});
  scope_.run.keep(std::shared_ptr<const void>(cache_.back().rows));  // values of ours may be texts of theirs
  return cache_.back().rows.get();
}

Result<void> CallPoints::read(const ReadRequest& request, const RowSink& sink) {
  for (const DataSourceRef& source : scope_.select.sources) {
    if (!source.subquery) {
      GS_CHECK(read_measurement(scope_.run, source, request, sink));
      continue;
    }
    GS_TRY(const SelectRows* inner, subquery_rows(source, request.frame));
    const std::vector<std::string> columns(source.subquery->columns.begin() + 1,
                                           source.subquery->columns.end());
    GS_CHECK(read_rows(scope_.run, inner->rows, columns, inner->dimensions, request, sink));
  }
  return {};
}

ReadRequest CallPoints::request_for(const VarRef& driver, const TimeFrame& frame, bool with_aux) const {
  ReadRequest out;
  out.refs.push_back(driver);
  if (with_aux) out.refs.insert(out.refs.end(), scope_.refs.begin(), scope_.refs.end());
  out.drivers = {0};
  out.filter = scope_.select.condition.filter;
  out.frame = frame;
  out.dimensions = scope_.dimensions;
  out.limited_dimensions = scope_.limited_dimensions;
  out.slimit = scope_.slimit;
  out.soffset = scope_.soffset;
  return out;
}

Result<PointSet> CallPoints::raw_points(const VarRef& ref, const TimeFrame& frame, bool with_aux) {
  Parts parts;
  GS_CHECK(
      read(request_for(ref, frame, with_aux), [&](const SeriesKey& key, SeriesRows rows) -> Result<void> {
        GS_CHECK(scope_.run.hold(rows.times.size() * (1 + rows.cells.size())));
        parts[key].push_back(std::move(rows));
        return {};
      }));
  PointSet out;
  for (auto& [key, series] : parts) out.emplace(key, points_of(std::move(series), frame.ascending));
  return out;
}

Result<void> CallPoints::each_group(const ReadRequest& asked, const PointSink& sink) {
  const auto& sources = scope_.select.sources;
  ReadRequest request = asked;
  const bool one_by_one = sources.size() == 1 && !sources.front().subquery &&
                          is_read_at_once(scope_.run, sources.front(), request.frame);
  request.at_once = one_by_one;
  std::size_t held = 0;
  Parts parts;
  const auto close = [&] {
    for (auto& [key, series] : parts) sink(key, points_of(std::move(series), request.frame.ascending));
    parts.clear();
    if (!asks_for_texts(request)) scope_.run.let_go(std::exchange(held, 0));
  };
  GS_CHECK(read(request, [&](const SeriesKey& key, SeriesRows rows) -> Result<void> {
    if (one_by_one && !parts.empty() && !parts.contains(key)) close();
    const std::size_t values = rows.times.size() * (1 + rows.cells.size());
    GS_CHECK(scope_.run.hold(values));
    held += values;
    parts[key].push_back(std::move(rows));
    return {};
  }));
  close();
  return {};
}

Result<PointSet> CallPoints::of(const ExprPtr& expr, const TimeFrame& frame, bool selector) {
  if (const auto* ref = as<VarRef>(expr)) {
    if (ref->type == DataType::kUnknown || ref->type == DataType::kTag) return PointSet();
    return raw_points(*ref, frame, false);
  }
  const auto* call = as<Call>(expr);
  if (call == nullptr)
    return fail(Errc::kInvalidArgument, "invalid expression type: " + std::string(go_type_name(expr)));
  if (is_unoffered(call->name)) {
    GS_TRY(const PointSet in, of(call->args.front(), frame, false));
    if (in.empty()) return PointSet();
    return fail(Errc::kUnsupported, call->name + "() is not offered by this server");
  }
  if (!is_transformation(call->name)) return base_call(*call, frame, selector);
  GS_CHECK(check_type(*call, type_of(call->args.front(), scope_.select.sources)));
  TimeFrame wider = frame;
  if (frame.bucketed()) {
    const std::int64_t before = buckets_before(*call) * frame.interval.every_ns;
    if (frame.ascending && frame.min != kMinTime) wider.min = std::max(kMinTime, frame.min - before);
    if (!frame.ascending && frame.max != kMaxTime) wider.max = std::min(kMaxTime, frame.max + before);
  }
  GS_TRY(PointSet in, of(call->args.front(), wider, selector));
  PointSet out;
  for (const auto& [key, points] : in) {
    Points made = transform(*call, points, frame);
    if (!made.times.empty()) out.emplace(key, std::move(made));
  }
  return out;
}

Result<PointSet> CallPoints::base_call(const Call& call, const TimeFrame& frame, bool selector) {
  const auto* inner = as<Call>(call.args.front());
  if (call.name == "count" && inner != nullptr) {
    GS_TRY(PointSet in, of(call.args.front(), frame, false));
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
    PointSet out;
    GS_CHECK(each_group(request_for(*ref, frame, false), [&](const SeriesKey& key, const Points& points) {
      out.emplace(key, integrate(call, points, frame));
    }));
    return out;
  }
  if ((call.name == "top" || call.name == "bottom") && call.args.size() > 2)
    return grouped_extremes(call, *ref, frame);
  return bucketwise(call, *ref, frame, selector);
}

Result<PointSet> CallPoints::streaming(const Call& call, const VarRef& ref, const TimeFrame& frame,
                                       bool selector) {
  GS_CHECK(check_type(call, ref.type));
  const bool with_aux = is_selector(call.name) && !scope_.refs.empty();
  GS_TRY(auto quick,
         scan_buckets(scope_.run, scope_.select.sources, request_for(ref, frame, with_aux), call.name));
  if (quick) return shaped(call, *std::move(quick), frame, selector, 0);
  std::map<SeriesKey, StreamingAggregate> groups;
  GS_CHECK(read(request_for(ref, frame, with_aux),
                [&](const SeriesKey& key, const SeriesRows& rows) -> Result<void> {
                  groups.try_emplace(key, call.name, frame).first->second.add(rows);
                  return {};
                }));
  PointSet out;
  for (const auto& [key, group] : groups) out.emplace(key, group.finish());
  return shaped(call, std::move(out), frame, selector, with_aux ? scope_.refs.size() : 0);
}

Points CallPoints::reduce(const Call& call, const Points& in, const TimeFrame& frame,
                          std::size_t aux_width) const {
  const double parameter = parameter_of(call);
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

Result<PointSet> CallPoints::bucketwise(const Call& call, const VarRef& ref, const TimeFrame& frame,
                                        bool selector) {
  GS_CHECK(check_type(call, ref.type));
  const bool with_aux = is_selector(call.name) && !scope_.refs.empty();
  const std::size_t width = with_aux ? scope_.refs.size() : 0;
  ReadRequest request = request_for(ref, frame, with_aux);
  GS_TRY(auto quick, scan_ranks(scope_.run, scope_.select.sources, request, call.name, parameter_of(call)));
  if (quick) return shaped(call, *std::move(quick), frame, selector, 0);
  PointSet out;
  // What lies in a stretch of whole buckets is let go before the next is read.
  const double most = rows_read_at_once(scope_.run.limits(), 2 + width);
  const auto map = frame.bucketed() && frame.zone.utc() && !asks_for_texts(request)
                       ? row_map_of(scope_.run, scope_.select.sources, request, most)
                       : std::nullopt;
  if (map) {
    for (Stretches stretches(*map, frame); !stretches.over(); request.again = true) {
      request.frame = stretches.next(most);
      GS_CHECK(add_buckets(call, request, frame, out));
    }
  } else {
    GS_CHECK(add_buckets(call, request, frame, out));
  }
  if (call.name == "top" || call.name == "bottom" || call.name == "sample") return out;
  return shaped(call, std::move(out), frame, selector, width);
}

/// What the request's stretch of the frame comes to, behind what is there.
Result<void> CallPoints::add_buckets(const Call& call, const ReadRequest& request, const TimeFrame& frame,
                                     PointSet& out) {
  return each_group(request, [&](const SeriesKey& key, const Points& points) {
    Points made = reduce(call, points, frame, request.refs.size() - 1);
    if (made.times.empty()) return;
    const auto [at, is_new] = out.try_emplace(key, std::move(made));
    if (is_new) return;
    Points& before = at->second;
    before.times.insert(before.times.end(), made.times.begin(), made.times.end());
    before.values.insert(before.values.end(), made.values.begin(), made.values.end());
    before.aux.insert(before.aux.end(), made.aux.begin(), made.aux.end());
  });
}

Result<PointSet> CallPoints::grouped_extremes(const Call& call, const VarRef& ref, const TimeFrame& frame) {
  // First the extreme of every combination of the named tags, then the top of those.
  GS_CHECK(check_type(call, ref.type));
  ReadRequest request = request_for(ref, frame, true);
  std::set<std::string> all(scope_.dimensions.begin(), scope_.dimensions.end());
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
    for (const std::string& dimension : scope_.dimensions) {
      const auto at = std::find(request.dimensions.begin(), request.dimensions.end(), dimension) -
                      request.dimensions.begin();
      own.tags.push_back(key.tags[static_cast<std::size_t>(at)]);
    }
    SeriesRows rows;
    rows.times = points.times;
    rows.cells.push_back(points.values);
    rows.cells.resize(1 + scope_.refs.size());
    for (std::size_t i = 0; i < points.aux.size(); ++i)
      rows.cells[1 + i % scope_.refs.size()].push_back(points.aux[i]);
    parts[own].push_back(std::move(rows));
  }
  PointSet out;
  for (auto& [key, series] : parts) {
    const Points points = bucket_by_bucket(std::move(series), frame);
    out.emplace(key, reduce(call, points, frame, scope_.refs.size()));
  }
  return out;
}

Result<PointSet> CallPoints::shaped(const Call& call, PointSet in, const TimeFrame& frame, bool selector,
                                    std::size_t aux_width) {
  if (selector && !frame.bucketed()) return in;
  Filling filling = scope_.filling;
  if (call.name == "count" && filling.how == Fill::kNull) filling = {Fill::kNumber, std::int64_t{0}};
  const QueryLimits& limits = scope_.run.limits();
  const std::size_t most = limits.max_buckets > 0 ? limits.max_buckets : limits.max_values;
  const FillLimits how_many{scope_.enough, most};
  for (auto& [key, points] : in) {
    std::int64_t before = kMaxTime;
    for (std::int64_t& time : points.times) {
      // Mostly one bucket follows the other: then it needs no looking up.
      const bool next = frame.bucketed() && frame.zone.utc() && before < kMaxTime - frame.interval.every_ns &&
                        time == before + frame.interval.every_ns;
      if (!next) time = frame.row_time(time);
      before = time;
    }
    if (!frame.bucketed() || call.name == "distinct") continue;
    if (filling.how == Fill::kNone) {
      const std::size_t rows = points.times.size();
      if (limits.max_buckets > 0 && rows > most && (scope_.enough == 0 || scope_.enough > most))
        return too_many_buckets(rows, most);
      continue;
    }
    GS_TRY(points, fill_buckets(std::move(points), frame, filling, type_of_call(call), aux_width, how_many));
    GS_CHECK(scope_.run.hold(2 * points.times.size()));
  }
  return in;
}

}  // namespace gpuscale::influxql
