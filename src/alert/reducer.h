// SPDX-License-Identifier: Apache-2.0
/// From a series to the one number a condition compares. Pure. Semantics: Grafana 4.4.3, checked against
/// vectors that its own code computed (tests/vectors_test.cpp).
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "datasource/data_source.h"

namespace gpuscale::alert {

enum class Reducer { kAvg, kMin, kMax, kSum, kCount, kLast, kFirst, kMedian };

/// "avg", "min", "max", "sum", "count", "last", "first", "median".
std::string_view to_string(Reducer reducer);
std::optional<Reducer> parse_reducer(std::string_view text);
/// The names above, comma-separated, for error texts.
std::string_view known_reducers();

/// The reduced value of the samples; buckets without a value are left out, except by kCount, which counts
/// them too. Absent where no bucket has a value, and for kCount where there is no bucket.
std::optional<double> reduce(Reducer reducer, const std::vector<datasource::Sample>& samples);

}  // namespace gpuscale::alert
