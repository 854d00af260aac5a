// SPDX-License-Identifier: Apache-2.0
/// The server's own store as a data source: InfluxQL on one database. Start at EmbeddedSource::query().
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "datasource/data_source.h"
#include "influxql/engine.h"

namespace gpuscale::datasource {

/// Thread-safe. The engine must outlive it.
class EmbeddedSource : public DataSource {
 public:
  EmbeddedSource(const influxql::Engine& engine, std::string database)
      : engine_(engine), database_(std::move(database)) {}

  /// As DataSource::query(). Only statements that read are run: everything else is kInvalidArgument, and
  /// changes nothing. Columns of texts or booleans are kInvalidArgument too.
  Result<std::vector<Series>> query(const Query& query) override;
  std::string why_empty(const Query& query) const override;

 private:
  const influxql::Engine& engine_;
  std::string database_;
};

/// What a rule's query leaves open.
enum class Blank { kTimeFilter, kInterval, kIntervalMs };
/// The text with each blank filled by what `value` gives for it and for the bytes that it takes as written:
/// $timeFilter, $__interval, $interval and $__interval_ms, each also as ${name}.
std::string fill_blanks(std::string text, const std::function<std::string(Blank, std::size_t)>& value);

/// The query's text with $timeFilter, $__interval, $interval (a duration) and $__interval_ms (a number)
/// filled in.
std::string fill_in(const Query& query);

/// The bucket that suits a range: the least round step that gives at most a hundred buckets, from 1 s to a
/// day.
Nanos interval_of(Nanos range);

}  // namespace gpuscale::datasource
