// SPDX-License-Identifier: Apache-2.0
#include "influxql/rank_scan.h"

#include <algorithm>
#include <cmath>

#include "influxql/bucket_grid.h"
#include "influxql/condensed.h"
#include "influxql/field_values.h"
#include "influxql/stretches.h"
#include "influxql/wrapping.h"

namespace gpuscale::influxql {

namespace {

/// Null where there is none.
template <typename T>
Value percentile_of(std::vector<T>& values, double parameter) {
  const auto size = static_cast<double>(values.size());
  const double at = std::floor(size * parameter / 100.0 + 0.5) - 1;
  if (!(at >= 0) || at >= size) return {};
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(at);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

template <typename T>
Value median_of(std::vector<T>& values) {
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), half, values.end());
  const T high = *half;
  if (values.size() % 2 == 1) return static_cast<double>(high);
  const T low = *std::max_element(values.begin(), half);
  if constexpr (std::is_same_v<T, double>) {
    return low + (high - low) / 2;
  } else {
    return static_cast<double>(low) + static_cast<double>(wrap_sub(high, low)) / 2;
  }
}

template <typename T>
class RankScan {
 public:
  RankScan(Run& run, const DataSourceRef& source, const ReadRequest& request, const SeriesGroups& groups,
           std::optional<double> percentile)
      : run_(run), source_(source), request_(request), groups_(groups), percentile_(percentile) {}

  /// The buckets of a stretch, behind those that are there.
  Result<void> add(const TimeFrame& stretch, const Grid& grid) {
    group_ = 0;
    by_bucket_.resize(grid.count);
    for (std::vector<T>& values : by_bucket_) values.clear();
    const tsdb::TimeRange range{std::max(stretch.min, stretch.first_read), stretch.max};
    GS_CHECK(run_.store().scan(source_.database, source_.policy, groups_.ids, request_.refs.front().name,
                               range, [&](std::size_t index, const tsdb::Column& column) -> Result<void> {
                                 if (index >= groups_.ends[group_]) {
                                   close_group(grid);
                                   while (index >= groups_.ends[group_]) ++group_;
                                 }
                                 GS_CHECK(run_.count_points(column.times.size()));
                                 GS_CHECK(run_.hold(column.times.size()));
                                 held_ += column.times.size();
                                 const auto values = numbers_of<T>(column);
                                 for (std::size_t i = 0; i < values.size(); ++i)
                                   by_bucket_[grid.bucket_of(column.times[i])].push_back(values[i]);
                                 return {};
                               }));
    close_group(grid);
    return {};
  }
  PointSet take() && { return std::move(out_); }

 private:
  void close_group(const Grid& grid) {
    Points points;
    for (std::size_t n = 0; n < grid.count; ++n) {
      const std::size_t b = request_.frame.ascending ? n : grid.count - 1 - n;
      std::vector<T>& values = by_bucket_[b];
      if (values.empty()) continue;
      const Value value = percentile_ ? percentile_of(values, *percentile_) : median_of(values);
      values.clear();
      if (is_null(value)) continue;
      points.times.push_back(grid.start(b));
      points.values.push_back(value);
    }
    run_.let_go(held_);
    held_ = 0;
    if (points.times.empty()) return;
    Points& all = out_[groups_.keys[group_]];
    all.times.insert(all.times.end(), points.times.begin(), points.times.end());
    all.values.insert(all.values.end(), points.values.begin(), points.values.end());
  }

  Run& run_;
  const DataSourceRef& source_;
  const ReadRequest& request_;
  const SeriesGroups& groups_;
  const std::optional<double> percentile_;
  std::size_t group_ = 0;
  std::size_t held_ = 0;                   ///< values of the group
  std::vector<std::vector<T>> by_bucket_;  ///< of the group
  PointSet out_;
};

template <typename T>
Result<std::optional<PointSet>> scan_stretches(Run& run, const DataSourceRef& source,
                                               const ReadRequest& request, const SeriesGroups& groups,
                                               const RowMap& rows, std::optional<double> percentile) {
  RankScan<T> scan(run, source, request, groups, percentile);
  for (Stretches stretches(rows, request.frame); !stretches.over();) {
    const TimeFrame stretch = stretches.next(rows_read_at_once(run.limits(), 1));
    const auto grid = grid_of(stretch, groups.keys.size());
    if (!grid) return std::optional<PointSet>();
    GS_CHECK(scan.add(stretch, *grid));
  }
  return std::optional<PointSet>(std::move(scan).take());
}

}  // namespace

Result<std::optional<PointSet>> scan_ranks(Run& run, const std::vector<DataSourceRef>& sources,
                                           const ReadRequest& request, std::string_view function,
                                           double parameter) {
  if ((function != "percentile" && function != "median") || !request.frame.bucketed() ||
      sources.size() != 1 || sources.front().subquery || request.refs.size() != 1)
    return std::optional<PointSet>();
  const DataSourceRef& source = sources.front();
  const auto field = source.fields.find(request.refs.front().name);
  if (field == source.fields.end() || field->second != request.refs.front().type ||
      (field->second != DataType::kFloat && field->second != DataType::kInteger))
    return std::optional<PointSet>();
  GS_TRY(const SeriesGroups groups, group_series(run, source, request));
  if (groups.filters_rows || !grid_of(request.frame, groups.keys.size())) return std::optional<PointSet>();
  const std::size_t all = run.store().series_count(source.database, source.measurement);
  const RowMap rows(
      run.store().spread_of(source.database, source.policy, source.measurement,
                            {request.frame.min, request.frame.max}),
      static_cast<double>(groups.ids.size()) / static_cast<double>(std::max<std::size_t>(all, 1)));
  GS_CHECK(run.count_series(groups.ids.size()));
  GS_CHECK(run.check());
  note_expired(run, source, request.frame);
  const auto percentile = function == "percentile" ? std::optional(parameter) : std::nullopt;
  if (field->second == DataType::kFloat)
    return scan_stretches<double>(run, source, request, groups, rows, percentile);
  return scan_stretches<std::int64_t>(run, source, request, groups, rows, percentile);
}

}  // namespace gpuscale::influxql
