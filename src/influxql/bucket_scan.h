// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the quick way to count, sum, mean, min, max, first, last and spread of one numeric
/// field, which most panels and rules ask for: whole columns are folded without a Value for each sample, and
/// what earlier statements folded is kept for as long as its samples do not change.
#pragma once
#include <optional>

#include "influxql/source.h"

namespace gpuscale::influxql {

/// The points of `function` over the field that `request` names first, series by series, as
/// StreamingAggregate gives them. Nothing where this way does not lead to the exact answer; then the caller
/// takes the other.
Result<std::optional<PointSet>> scan_buckets(Run& run, const std::vector<DataSourceRef>& sources,
                                             const ReadRequest& request, std::string_view function);

}  // namespace gpuscale::influxql
