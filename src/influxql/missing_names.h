// SPDX-License-Identifier: Apache-2.0
/// Private to the room: why a SELECT finds nothing. InfluxQL answers a name that nobody ever wrote as it
/// answers a quiet hour, with no rows; a person who slipped has to be told which it is.
#pragma once
#include <string>
#include <string_view>

#include "influxql/ast.h"
#include "tsdb/store.h"

namespace gpuscale::influxql {

/// The first name of the statement, sources before conditions before columns, that the store does not know,
/// with what may have been meant: "\"gpu\" has no field or tag \"utilisation_gpu\"; did you mean
/// \"utilization_gpu\"?". Also a tag that never had the value asked for, and a tag where only a field gives
/// rows. "" where nothing of that is so. Measurements by pattern are only looked for.
std::string missing_names(const tsdb::Store& store, const SelectStatement& select, std::string_view database);

}  // namespace gpuscale::influxql
