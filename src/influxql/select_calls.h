// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the points that one call of a SELECT gives, series by series.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "influxql/select_scope.h"

namespace gpuscale::influxql {

/// Reads the sources of a statement and evaluates its calls over them. A subquery is run once for each frame
/// that is asked of it.
class CallPoints {
 public:
  /// The scope must outlive this.
  explicit CallPoints(const SelectScope& scope) : scope_(scope) {}

  /// Every row that the sources of the statement have for the request.
  Result<void> read(const ReadRequest& request, const RowSink& sink);
  /// @param selector whether the call stands alone and carries rows along (first, max, top ...).
  Result<PointSet> of(const ExprPtr& expr, const TimeFrame& frame, bool selector);
  DataType type_of_call(const Call& call) const { return type_of(make_expr(call), scope_.select.sources); }

 private:
  using Parts = std::map<SeriesKey, std::vector<SeriesRows>>;

  Result<const SelectRows*> subquery_rows(const DataSourceRef& source, const TimeFrame& frame);
  ReadRequest request_for(const VarRef& driver, const TimeFrame& frame, bool with_aux) const;
  Result<PointSet> raw_points(const VarRef& ref, const TimeFrame& frame, bool with_aux);
  using PointSink = std::function<void(const SeriesKey& key, const Points& points)>;
  /// The same, group by group; where it can, no more than one is held.
  Result<void> each_group(const ReadRequest& asked, const PointSink& sink);
  Result<PointSet> base_call(const Call& call, const TimeFrame& frame, bool selector);
  Result<PointSet> streaming(const Call& call, const VarRef& ref, const TimeFrame& frame, bool selector);
  Result<PointSet> bucketwise(const Call& call, const VarRef& ref, const TimeFrame& frame, bool selector);
  Result<void> add_buckets(const Call& call, const ReadRequest& request, const TimeFrame& frame,
                           PointSet& out);
  Result<PointSet> grouped_extremes(const Call& call, const VarRef& ref, const TimeFrame& frame);
  Points reduce(const Call& call, const Points& in, const TimeFrame& frame, std::size_t aux_width) const;
  Result<PointSet> shaped(const Call& call, PointSet in, const TimeFrame& frame, bool selector,
                          std::size_t aux_width);

  struct Cached {
    const DataSourceRef* source;
    std::int64_t min;
    std::int64_t max;
    std::shared_ptr<const SelectRows> rows;
  };

  const SelectScope& scope_;
  std::vector<Cached> cache_;
};

}  // namespace gpuscale::influxql
