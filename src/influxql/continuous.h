// SPDX-License-Identifier: Apache-2.0
/// Continuous queries: when each is due, over which range, and the running of it. Source of the times:
/// InfluxDB 1.6.7 (services/continuous_querier). Start at ContinuousQueries::tick().
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "influxql/engine.h"
#include "tsdb/store.h"

namespace gpuscale::influxql {

/// What a statement says of its own times, in nanoseconds.
struct ContinuousTimes {
  std::int64_t interval = 0;  ///< of GROUP BY time(), > 0
  std::int64_t offset = 0;    ///< of GROUP BY time()
  std::int64_t every = 0;     ///< RESAMPLE EVERY; 0 = the interval
  std::int64_t span = 0;      ///< RESAMPLE FOR; 0 = the interval, or `every` where that is longer
  std::string zone;           ///< of tz(); empty = UTC
};

struct ContinuousRun {
  std::int64_t ran_at = 0;  ///< what counts as the time of this run
  std::int64_t begin = 0;   ///< belongs to the range
  std::int64_t end = 0;     ///< does not; not after begin: there is nothing to compute
};

/// Nothing while the query is not due. Pure. @param last `ran_at` of the run before; nothing = it never ran.
std::optional<ContinuousRun> continuous_run_at(const ContinuousTimes& times, std::optional<std::int64_t> last,
                                               std::int64_t now_ns);

/// Not thread-safe: one thread ticks.
class ContinuousQueries {
 public:
  ContinuousQueries(tsdb::Store& store, const Engine& engine) : store_(store), engine_(engine) {}

  struct Failed {
    std::string database;
    std::string name;
    std::string reason;
  };
  /// Runs what is due now; to be called about once a second. @return those that failed; they run again when
  /// they are due again, as InfluxDB's do.
  std::vector<Failed> tick(WallTime now);

 private:
  Result<void> run(const std::string& database, const tsdb::ContinuousQuery& query, WallTime now);

  tsdb::Store& store_;
  const Engine& engine_;
  std::map<std::pair<std::string, std::string>, std::int64_t> last_runs_;
};

}  // namespace gpuscale::influxql
