// SPDX-License-Identifier: Apache-2.0
#include "influxql/stretches.h"

#include <algorithm>
#include <numeric>

namespace gpuscale::influxql {

namespace {

double length(std::int64_t first, std::int64_t last) {
  return static_cast<double>(last) - static_cast<double>(first) + 1;
}

}  // namespace

double rows_read_at_once(const QueryLimits& limits, std::size_t values) {
  const std::size_t most = limits.max_values == 0 ? QueryLimits().max_values : limits.max_values;
  return static_cast<double>(most) / 5 / static_cast<double>(values);
}

double packed_rows_at_once(const QueryLimits& limits) {
  constexpr double kPacked = 16;  // samples in the place of one value that a statement holds
  return kPacked * rows_read_at_once(limits, 1);
}

RowMap::RowMap(std::vector<tsdb::RowSpread> spreads, double share)
    : spreads_(std::move(spreads)), share_(share) {}

double RowMap::rows_in(tsdb::TimeRange range) const {
  double sum = 0;
  for (const auto& [held, rows] : spreads_) {
    const std::int64_t first = std::max(held.min_ns, range.min_ns);
    const std::int64_t last = std::min(held.max_ns, range.max_ns);
    if (first <= last)
      sum += static_cast<double>(rows) * length(first, last) / length(held.min_ns, held.max_ns);
  }
  return sum * share_;
}

std::int64_t RowMap::reach(tsdb::TimeRange range, double rows, bool ascending) const {
  const std::int64_t end = ascending ? range.max_ns : range.min_ns;
  if (rows_in(range) <= rows) return end;
  std::int64_t enough = end;  // holds so many; `few` does not
  std::int64_t few = ascending ? range.min_ns : range.max_ns;
  while (true) {
    const std::int64_t middle = std::midpoint(few, enough);
    if (middle == few || middle == enough) return enough;
    const tsdb::TimeRange part =
        ascending ? tsdb::TimeRange{range.min_ns, middle} : tsdb::TimeRange{middle, range.max_ns};
    (rows_in(part) >= rows ? enough : few) = middle;
  }
}

RowMap rows_of(Run& run, const DataSourceRef& source, const TimeFrame& frame) {
  return RowMap(run.store().spread_of(source.database, source.policy, source.measurement,
                                      {std::max(frame.min, frame.first_read), frame.max}));
}

std::optional<RowMap> row_map_of(Run& run, const std::vector<DataSourceRef>& sources,
                                 const ReadRequest& request, double few) {
  const tsdb::TimeRange range{request.frame.min, request.frame.max};
  std::vector<tsdb::RowSpread> spreads;
  for (const DataSourceRef& source : sources) {
    if (source.subquery) return std::nullopt;
    const auto of_source = run.store().spread_of(source.database, source.policy, source.measurement, range);
    spreads.insert(spreads.end(), of_source.begin(), of_source.end());
  }
  if (RowMap(spreads).rows_in(range) <= few) return std::nullopt;
  std::size_t matching = 0;
  std::size_t all = 0;
  for (const DataSourceRef& source : sources) {
    const auto groups = group_series(run, source, request);
    if (!groups) return std::nullopt;
    matching += groups->ids.size();
    all += run.store().series_count(source.database, source.measurement);
  }
  RowMap rows(std::move(spreads), all == 0 ? 1 : static_cast<double>(matching) / static_cast<double>(all));
  if (rows.rows_in(range) <= few) return std::nullopt;
  return rows;
}

TimeFrame Stretches::next(double rows) {
  TimeFrame out = rest_;
  std::int64_t end = rows_->reach({rest_.min, rest_.max}, rows, rest_.ascending);
  if (rest_.bucketed()) {
    const Window bucket = rest_.window(end);
    if (rest_.ascending) {
      if (bucket.end > end) end = bucket.end == kMaxTime ? rest_.max : std::min(bucket.end - 1, rest_.max);
    } else {
      end = std::clamp(bucket.start, rest_.min, end);
    }
  }
  if (rest_.ascending) {
    out.max = end;
    over_ = end >= rest_.max;
    if (!over_) rest_.min = end + 1;
  } else {
    out.min = end;
    over_ = end <= rest_.min;
    if (!over_) rest_.max = end - 1;
  }
  return out;
}

}  // namespace gpuscale::influxql
