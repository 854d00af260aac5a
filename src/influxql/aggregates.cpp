// SPDX-License-Identifier: Apache-2.0
#include "influxql/aggregates.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "influxql/go_heap.h"
#include "influxql/go_sort.h"
#include "influxql/transforms.h"
#include "influxql/wrapping.h"

namespace gpuscale::influxql {

namespace {

std::vector<BucketResult> median(std::vector<BucketPoint>& points) {
  std::stable_sort(points.begin(), points.end(),
                   [](const BucketPoint& a, const BucketPoint& b) { return value_less(a.value, b.value); });
  const std::size_t half = points.size() / 2;
  const Value& high = points[half].value;
  if (points.size() % 2 == 1) return {{0, false, number_or_zero(high), 0}};
  const Value& low = points[half - 1].value;
  const auto* a = std::get_if<std::int64_t>(&low);
  const auto* b = std::get_if<std::int64_t>(&high);
  const double gap = a != nullptr && b != nullptr ? static_cast<double>(wrap_sub(*b, *a))
                                                  : number_or_zero(high) - number_or_zero(low);
  return {{0, false, number_or_zero(low) + gap / 2, 0}};
}

std::vector<BucketResult> mode(std::vector<BucketPoint>& points) {
  if (points.size() == 1) return {{0, false, points[0].value, 0}};
  if (std::holds_alternative<bool>(points[0].value)) {
    const auto yes = std::count_if(points.begin(), points.end(),
                                   [](const BucketPoint& p) { return p.value == Value(true); });
    return {{0, false, 2 * yes >= static_cast<std::ptrdiff_t>(points.size()), 0}};
  }
  go_sort(std::span(points),
          [](const BucketPoint& a, const BucketPoint& b) { return value_less(a.value, b.value); });
  int most = 0;
  int current = 0;
  Value current_value = points[0].value;
  Value most_value = points[0].value;
  std::int64_t current_time = points[0].time;
  std::int64_t most_time = points[0].time;
  for (const BucketPoint& point : points) {
    if (point.value != current_value) {
      current = 1;
      current_value = point.value;
      current_time = point.time;
      continue;
    }
    ++current;
    if (most > current || (most == current && current_time > most_time)) continue;
    most = current;
    most_value = point.value;
    most_time = point.time;
  }
  return {{0, false, most_value, 0}};
}

std::vector<BucketResult> stddev(const std::vector<BucketPoint>& points) {
  if (points.size() < 2) return {{0, false, std::nan(""), 0}};
  double mean = 0;
  double count = 0;
  for (const BucketPoint& point : points) {
    const double value = number_or_zero(point.value);
    if (std::isnan(value)) continue;
    ++count;
    mean += (value - mean) / count;
  }
  double variance = 0;
  for (const BucketPoint& point : points) {
    const double value = number_or_zero(point.value);
    if (!std::isnan(value)) variance += (value - mean) * (value - mean);
  }
  return {{0, false, std::sqrt(variance / (count - 1)), 0}};
}

std::vector<BucketResult> percentile(std::vector<BucketPoint>& points, double parameter) {
  const auto size = static_cast<double>(points.size());
  const double at = std::floor(size * parameter / 100.0 + 0.5) - 1;
  if (!(at >= 0) || at >= size) return {};
  go_sort(std::span(points),
          [](const BucketPoint& a, const BucketPoint& b) { return value_less(a.value, b.value); });
  const BucketPoint& point = points[static_cast<std::size_t>(at)];
  return {{point.time, true, point.value, point.index}};
}

std::vector<BucketResult> distinct(const std::vector<BucketPoint>& points) {
  std::vector<BucketResult> out;
  const auto less = [](const Value* a, const Value* b) { return value_less(*a, *b); };
  std::map<const Value*, std::int64_t, decltype(less)> seen(less);
  for (const BucketPoint& point : points) {
    if (seen.emplace(&point.value, point.time).second)
      out.push_back({point.time, true, point.value, point.index});
  }
  std::stable_sort(out.begin(), out.end(), [](const BucketResult& a, const BucketResult& b) {
    return a.time != b.time ? a.time < b.time : value_less(a.value, b.value);
  });
  return out;
}

/// Of equals those that InfluxDB keeps, which shows in their tags.
void keep_extremes(std::vector<BucketPoint>& points, std::size_t count, bool largest) {
  const auto goes_before = [largest](const BucketPoint& a, const BucketPoint& b) {
    if (value_less(a.value, b.value)) return largest;
    if (value_less(b.value, a.value)) return !largest;
    return a.time > b.time;
  };
  GoHeap<BucketPoint, decltype(goes_before)> heap(goes_before);
  for (const BucketPoint& point : points) {
    if (heap.size() < count) {
      heap.push(point);
    } else if (!heap.empty() && goes_before(heap.front(), point)) {
      heap.replace_front(point);
    }
  }
  points = std::move(heap).take();
  std::stable_sort(points.begin(), points.end(),
                   [&](const BucketPoint& a, const BucketPoint& b) { return goes_before(b, a); });
}

std::vector<BucketResult> extremes(std::vector<BucketPoint>& points, std::size_t count, bool largest) {
  keep_extremes(points, count, largest);
  std::stable_sort(points.begin(), points.end(),
                   [](const BucketPoint& a, const BucketPoint& b) { return a.time < b.time; });
  std::vector<BucketResult> out;
  for (const BucketPoint& point : points) out.push_back({point.time, true, point.value, point.index});
  return out;
}

/// InfluxDB samples at random; evenly spread samples answer the same question and are the same each time.
std::vector<BucketResult> sample(const std::vector<BucketPoint>& points, std::size_t count) {
  std::vector<BucketResult> out;
  const std::size_t taken = std::min(count, points.size());
  for (std::size_t i = 0; i < taken; ++i) {
    const BucketPoint& point = points[i * points.size() / taken];
    out.push_back({point.time, true, point.value, point.index});
  }
  return out;
}

}  // namespace

bool value_less(const Value& a, const Value& b) {
  return a.index() == b.index() && a < b;
}

bool StreamingAggregate::knows(std::string_view function) {
  constexpr std::array<std::string_view, 8> kNames = {"count", "sum",   "mean", "min",
                                                      "max",   "first", "last", "spread"};
  return std::find(kNames.begin(), kNames.end(), function) != kNames.end();
}

StreamingAggregate::Kind StreamingAggregate::kind_of(std::string_view function) {
  if (function == "count") return Kind::kCount;
  if (function == "sum") return Kind::kSum;
  if (function == "mean") return Kind::kMean;
  if (function == "min") return Kind::kMin;
  if (function == "max") return Kind::kMax;
  if (function == "first") return Kind::kFirst;
  return function == "last" ? Kind::kLast : Kind::kSpread;
}

bool StreamingAggregate::better(const Bucket& bucket, std::int64_t time, const Value& value) const {
  const bool flag = std::holds_alternative<bool>(value);
  switch (kind_) {
    case Kind::kMin:
      return value_less(value, bucket.value) || (value == bucket.value && time < bucket.time);
    case Kind::kMax:
      return value_less(bucket.value, value) || (value == bucket.value && time < bucket.time);
    case Kind::kFirst:
      if (time != bucket.time) return time < bucket.time;
      return flag ? value_less(value, bucket.value) : value_less(bucket.value, value);
    case Kind::kLast:
      return time != bucket.time ? time > bucket.time : value_less(bucket.value, value);
    default:
      return false;
  }
}

/// Observed: a bucket whose earliest sample is no number (stddev() of one sample, in a subquery) has no min
/// and max.
void StreamingAggregate::note_earliest(Bucket& bucket, std::int64_t time, bool nan, bool first) const {
  const bool earlier = frame_.ascending ? time < bucket.earliest : time > bucket.earliest;
  if (!first && !earlier) return;
  bucket.earliest = time;
  bucket.begins_with_nan = nan;
}

void StreamingAggregate::put(Bucket& bucket, const SeriesRows& rows, std::size_t row) const {
  const Value& value = rows.cells[0][row];
  if (is_null(value)) return;
  const bool first = bucket.count++ == 0;
  switch (kind_) {
    case Kind::kCount:
      return;
    case Kind::kSum:
    case Kind::kMean:
      if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        bucket.integer_sum = wrap_add(bucket.integer_sum, *integer);
      } else {
        bucket.sum += number_or_zero(value);
      }
      bucket.value = value;
      return;
    case Kind::kSpread:
      if (first || value_less(value, bucket.value)) bucket.value = value;
      if (first || value_less(bucket.most, value)) bucket.most = value;
      return;
    default:
      break;
  }
  bool replaces_nan = false;
  if (kind_ == Kind::kMin || kind_ == Kind::kMax) {
    const auto is_nan = [](const Value& v) {
      const auto* number = std::get_if<double>(&v);
      return number != nullptr && std::isnan(*number);
    };
    const bool nan = is_nan(value);
    note_earliest(bucket, rows.times[row], nan, first);
    replaces_nan = !nan && !first && is_nan(bucket.value);
  }
  if (!first && !replaces_nan && !better(bucket, rows.times[row], value)) return;
  bucket.time = rows.times[row];
  bucket.value = value;
  bucket.aux.clear();
  for (std::size_t c = 1; c < rows.cells.size(); ++c) bucket.aux.push_back(rows.cells[c][row]);
}

void StreamingAggregate::add(const SeriesRows& rows) {
  Window window{0, 0};
  Bucket* bucket = nullptr;
  for (std::size_t i = 0; i < rows.times.size(); ++i) {
    const std::int64_t time = rows.times[i];
    if (bucket == nullptr || time < window.start || time >= window.end) {
      window = frame_.window(time);
      bucket = &buckets_[window.start];
    }
    put(*bucket, rows, i);
  }
}

Value StreamingAggregate::result(const Bucket& bucket) const {
  const bool integer = std::holds_alternative<std::int64_t>(bucket.value);
  switch (kind_) {
    case Kind::kCount:
      return bucket.count;
    case Kind::kSum:
      return integer ? Value(bucket.integer_sum) : Value(bucket.sum);
    case Kind::kMean:
      return (integer ? static_cast<double>(bucket.integer_sum) : bucket.sum) /
             static_cast<double>(bucket.count);
    case Kind::kSpread:
      if (integer) return wrap_sub(std::get<std::int64_t>(bucket.most), std::get<std::int64_t>(bucket.value));
      return number_or_zero(bucket.most) - number_or_zero(bucket.value);
    default:
      return bucket.begins_with_nan ? Value(std::nan("")) : bucket.value;
  }
}

Points StreamingAggregate::finish() const {
  Points out;
  const bool selects =
      kind_ == Kind::kMin || kind_ == Kind::kMax || kind_ == Kind::kFirst || kind_ == Kind::kLast;
  const auto take = [&](std::int64_t start, const Bucket& bucket) {
    if (bucket.count == 0) return;
    out.times.push_back(selects ? bucket.time : start);
    out.values.push_back(result(bucket));
    out.aux.insert(out.aux.end(), bucket.aux.begin(), bucket.aux.end());
  };
  if (frame_.ascending) {
    for (const auto& [start, bucket] : buckets_) take(start, bucket);
  } else {
    for (auto it = buckets_.rbegin(); it != buckets_.rend(); ++it) take(it->first, it->second);
  }
  return out;
}

std::vector<BucketResult> reduce_bucket(std::string_view function, std::vector<BucketPoint> points,
                                        double parameter) {
  if (points.empty()) return {};
  const auto count = static_cast<std::size_t>(std::max(parameter, 0.0));
  if (function == "median") return median(points);
  if (function == "mode") return mode(points);
  if (function == "stddev") return stddev(points);
  if (function == "percentile") return percentile(points, parameter);
  if (function == "distinct") return distinct(points);
  if (function == "top") return extremes(points, count, true);
  if (function == "bottom") return extremes(points, count, false);
  if (function == "sample") return sample(points, count);
  return {};
}

DataType result_type(const Call& call, DataType argument) {
  constexpr std::array<std::string_view, 7> kFloats = {
      "mean", "median", "stddev", "derivative", "moving_average", "non_negative_derivative", "integral"};
  if (call.name == "count" || call.name == "elapsed") return DataType::kInteger;
  if (is_unoffered(call.name)) return DataType::kFloat;
  return std::find(kFloats.begin(), kFloats.end(), call.name) != kFloats.end() ? DataType::kFloat : argument;
}

}  // namespace gpuscale::influxql
