// SPDX-License-Identifier: Apache-2.0
#include "influxql/condensed.h"

#include <algorithm>

#include "base/floor_division.h"
#include "base/rfc3339.h"
#include "tsdb/condense.h"

namespace gpuscale::influxql {

std::optional<CondensedPart> condensed_part(const Run& run, const DataSourceRef& source,
                                            const TimeFrame& frame) {
  const std::int64_t floor = run.store().floor_of(source.database, source.policy);
  // An open start asks for whatever there is.
  if (frame.min >= floor) return std::nullopt;
  for (const tsdb::Rollup& rollup : run.store().rollups(source.database)) {
    if (rollup.policy != source.policy || rollup.first_ns >= floor || rollup.every_ns <= 0) continue;
    const std::int64_t rest = base::floor_rest(floor, rollup.every_ns);
    const std::int64_t end = rest == 0 ? floor : floor - rest + rollup.every_ns;
    return CondensedPart{rollup.target, source.measurement + std::string(tsdb::kMeasurementSuffix),
                         rollup.every_ns, std::min(end, rollup.done_ns)};
  }
  return std::nullopt;
}

void note_expired(Run& run, const DataSourceRef& source, const TimeFrame& frame) {
  const auto part = condensed_part(run, source, frame);
  if (!part) return;
  run.note("before " + base::format_rfc3339(base::from_unix_nanos(part->end)) + " \"" + source.measurement +
           "\" is kept as count, sum, min and max of each minute only, in " +
           quote_idents({source.database, part->policy, part->measurement}) +
           ", which cannot answer this statement exactly: the answer begins there");
}

}  // namespace gpuscale::influxql
