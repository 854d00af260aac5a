// SPDX-License-Identifier: Apache-2.0
/// The answer of Prometheus's query API (`query`, `query_range`) as series. Pure.
#pragma once
#include <string_view>
#include <vector>

#include "base/result.h"
#include "datasource/data_source.h"

namespace gpuscale::datasource {

inline constexpr std::size_t kMostSeriesOfAnswer = 10'000;
inline constexpr std::size_t kMostSamplesOfAnswer = 1'000'000;

/// Matrix, vector and scalar. A sample that is NaN or infinite is absent: nothing was measured that could be
/// compared. Errors: kInvalidArgument (what the query did wrong, in the server's words; an answer that holds
/// texts), kTimeout, kUnavailable (only a part of the store answered: what is missing is not known to be
/// gone), kExhausted (more than the limits above), kCorrupt (no such answer).
Result<std::vector<Series>> read_prometheus_answer(std::string_view body);

}  // namespace gpuscale::datasource
