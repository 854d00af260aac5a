// SPDX-License-Identifier: Apache-2.0
#include "influxql/execute_server.h"

#include <unistd.h>

#include <chrono>

#include "base/rfc3339.h"
#include "influxql/durations.h"
#include "influxql/execute.h"

namespace gpuscale::influxql {

namespace {

using Rows = std::vector<Row>;

Row one_row(std::string name, std::vector<std::string> columns, std::initializer_list<Cell> cells) {
  Row row = make_row(std::move(name), std::move(columns));
  row.values.push_back(cells);
  return row;
}

Row database_stats(const Run& run, const std::string& database) {
  const std::vector<std::string> measurements = run.store().measurements(database);
  std::size_t series = 0;
  for (const std::string& measurement : measurements)
    series += run.store().series(database, measurement).size();
  Row row = one_row(
      "database", {"numMeasurements", "numSeries"},
      {Cell(static_cast<std::int64_t>(measurements.size())), Cell(static_cast<std::int64_t>(series))});
  row.tags = {{"database", database}};
  row.has_tags = true;
  return row;
}

/// FOR names one module.
Rows only_named(Rows rows, const std::string& name) {
  if (!name.empty()) std::erase_if(rows, [&name](const Row& row) { return row.name != name; });
  return rows;
}

}  // namespace

std::vector<Row> show_queries(const Run& run) {
  Rows out;
  out.push_back(make_row("", {"qid", "query", "database", "duration", "status"}));
  const auto now = std::chrono::steady_clock::now();
  for (const RunningQueries::Query& query : run.running().all()) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now - query.begun).count();
    out.front().values.push_back({Cell(query.id), Cell(query.text), Cell(query.database),
                                  Cell(std::to_string(us) + "µs"),
                                  Cell(std::string(query.killed->load() ? "killed" : "running"))});
  }
  return out;
}

std::vector<Row> show_stats(const Run& run, const std::string& module) {
  const tsdb::StoreStats stats = run.store().stats();
  const auto number = [](std::uint64_t value) { return Cell(static_cast<std::int64_t>(value)); };
  Rows out;
  out.push_back(one_row("queryExecutor", {"queriesActive"}, {number(run.running().all().size())}));
  if (module.empty() || module == "database") {
    for (const auto& database : run.store().databases()) out.push_back(database_stats(run, database.name));
  }
  out.push_back(one_row("shard", {"diskBytes"}, {number(stats.disk_bytes)}));
  out.push_back(one_row("write", {"pointReq", "writeDrop", "commits"},
                        {number(stats.points_written), number(stats.points_dropped), number(stats.commits)}));
  // There are no subscriptions; tools look for their counters.
  out.push_back(one_row("subscriber", {"createFailures", "pointsWritten", "writeFailures"},
                        {number(0), number(0), number(0)}));
  return only_named(std::move(out), module);
}

std::vector<Row> show_diagnostics(const Run& run, const std::string& module) {
  const auto up = std::chrono::steady_clock::now() - run.running().since();
  const WallTime now = run.context().now;
  const auto text = [](std::string value) { return Cell(std::move(value)); };
  Rows out;
  out.push_back(one_row("build", {"Branch", "Build Time", "Commit", "Version"},
                        {text("unknown"), text(""), text("unknown"), text(std::string(kInfluxVersion))}));
  out.push_back(one_row("system", {"PID", "currentTime", "started", "uptime"},
                        {Cell(std::int64_t{getpid()}), text(base::format_rfc3339(now)),
                         text(base::format_rfc3339(now - std::chrono::duration_cast<WallTime::duration>(up))),
                         text(print_go_duration(std::chrono::duration_cast<Nanos>(up).count()))}));
  return only_named(std::move(out), module);
}

}  // namespace gpuscale::influxql
