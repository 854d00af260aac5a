// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what flows between the steps of a SELECT: points of one call and rows of one result
/// series.
#pragma once
#include <boost/container/flat_map.hpp>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "influxql/value.h"

namespace gpuscale::influxql {

/// A result series: measurement and the values of the grouping tags, in the order of their keys.
struct SeriesKey {
  std::string name;
  std::vector<std::string> tags;
  friend auto operator<=>(const SeriesKey&, const SeriesKey&) = default;
};

/// One column of values over times, in the order of the statement (descending for ORDER BY time DESC), with
/// the values that selectors carry along.
struct Points {
  std::vector<std::int64_t> times;
  std::vector<Value> values;  ///< null: a bucket without samples
  std::vector<Value> aux;     ///< `aux_width` of them per point
};
using PointSet = boost::container::flat_map<SeriesKey, Points>;

/// Rows of one series as a statement gives them.
struct SeriesRows {
  std::vector<std::int64_t> times;
  std::vector<std::vector<Value>> cells;  ///< by column, then by row
};
using RowSet = boost::container::flat_map<SeriesKey, SeriesRows>;

}  // namespace gpuscale::influxql
