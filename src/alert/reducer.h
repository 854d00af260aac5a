// SPDX-License-Identifier: Apache-2.0
/// From a series to the one number a condition compares. Pure. avg, min, max, sum, count, last and median are
/// Grafana 4.4.3's, checked against vectors that its own code computed (tests/vectors_test.cpp).
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "datasource/data_source.h"

namespace gpuscale::alert {

enum class Reducer {
  kAvg,
  kMin,
  kMax,
  kSum,
  kCount,  ///< buckets, those without a value too
  kLast,
  kFirst,
  kMedian,
  kDiff,         ///< newest minus oldest value
  kPercentDiff,  ///< the same in percent of the oldest's magnitude; absent where that is 0
  kCountNonNull,
  kPercentile,  ///< of the values, by linear interpolation between ranks (as Prometheus' quantile)
  kSlope,       ///< of the least-squares line, per second; absent for fewer than two values
  kStddev,      ///< of the sample (n - 1), as InfluxQL's; absent for fewer than two values
};

/// "avg", ..., "percent_diff", "count_non_null", ...
std::string_view to_string(Reducer reducer);
std::optional<Reducer> parse_reducer(std::string_view text);
/// The names, comma-separated, for error texts.
std::string_view known_reducers();

/// The reduced value of the samples; buckets without a value are left out, except by kCount. Absent where no
/// bucket has a value, and for kCount where there is no bucket. `percent` is kPercentile's, 0..100.
std::optional<double> reduce(Reducer reducer, const std::vector<datasource::Sample>& samples,
                             double percent = 0);

}  // namespace gpuscale::alert
