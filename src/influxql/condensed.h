// SPDX-License-Identifier: Apache-2.0
/// Private to the room: samples that have left their policy and are kept as count, sum, min and max of each
/// minute (see tsdb/condense.h): when they answer a statement exactly, and what is said when they do not.
#pragma once
#include <optional>
#include <string>

#include "influxql/source.h"

namespace gpuscale::influxql {

/// Where the condensed samples of a source are, and up to when they stand in for the others.
struct CondensedPart {
  std::string policy;
  std::string measurement;
  std::int64_t every_ns = 0;
  std::int64_t end = 0;  ///< aligned to every_ns; from here on the samples themselves are read
};
/// Nothing where the frame begins late enough for the samples themselves, or nothing is condensed.
std::optional<CondensedPart> condensed_part(const Run& run, const DataSourceRef& source,
                                            const TimeFrame& frame);

/// Says in the answer that it lacks what is only kept condensed, where that is so.
void note_expired(Run& run, const DataSourceRef& source, const TimeFrame& frame);

}  // namespace gpuscale::influxql
