// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the quick way to percentile and median of one numeric field by GROUP BY time. Where a
/// value stands among the others does not depend on when it came: nothing is put in order of time.
#pragma once
#include <optional>
#include <vector>

#include "influxql/source.h"

namespace gpuscale::influxql {

/// The points of `function` over the field that `request` names first, as reduce_bucket() gives them.
/// @param parameter of percentile. Nothing where this way does not lead to the exact answer.
Result<std::optional<PointSet>> scan_ranks(Run& run, const std::vector<DataSourceRef>& sources,
                                           const ReadRequest& request, std::string_view function,
                                           double parameter);

}  // namespace gpuscale::influxql
