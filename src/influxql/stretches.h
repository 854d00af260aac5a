// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the range of a statement in stretches that hold about so many rows each, so that of a
/// long history no more is read at once than has room, or than LIMIT lets through.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "influxql/source.h"
#include "influxql/window.h"

namespace gpuscale::influxql {

/// How many rows of `values` values each are read at once: about a fifth of what a statement may hold.
double rows_read_at_once(const QueryLimits& limits, std::size_t values);
/// How many rows are read at once where one field of them is held as it lies on the disk: 64 million, some 30
/// to 60 MiB. Stretches overlap in the segments at their ends, so that smaller ones would be read twice more
/// often.
double packed_rows_at_once(const QueryLimits& limits);

/// Where the rows lie. Pure.
class RowMap {
 public:
  /// @param share of the rows that are asked for, 0 to 1
  explicit RowMap(std::vector<tsdb::RowSpread> spreads, double share = 1);

  /// About how many lie in the range, its ends included.
  double rows_in(tsdb::TimeRange range) const;
  /// The last time of a stretch of about `rows` rows that begins with the range, or, not `ascending`, the
  /// first of one that ends with it. The range's other end where it holds no more.
  std::int64_t reach(tsdb::TimeRange range, double rows, bool ascending) const;

 private:
  std::vector<tsdb::RowSpread> spreads_;
  double share_;
};

/// Of all series of a measurement.
RowMap rows_of(Run& run, const DataSourceRef& source, const TimeFrame& frame);
/// Of all series that match, in all sources; nothing where they are about `few` or fewer, or a source is a
/// subquery.
std::optional<RowMap> row_map_of(Run& run, const std::vector<DataSourceRef>& sources,
                                 const ReadRequest& request, double few);

/// Cuts a frame into stretches, in the statement's order.
class Stretches {
 public:
  /// Both must outlive it.
  Stretches(const RowMap& rows, const TimeFrame& frame)
      : rows_(&rows), rest_(frame), over_(rest_.min > rest_.max) {}

  bool over() const { return over_; }
  /// The next, of about so many rows and of whole buckets. Only where it is not over.
  TimeFrame next(double rows);

 private:
  const RowMap* rows_;
  TimeFrame rest_;
  bool over_;
};

}  // namespace gpuscale::influxql
