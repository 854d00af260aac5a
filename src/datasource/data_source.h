// SPDX-License-Identifier: Apache-2.0
/// The port through which rules look at metrics: our own store by InfluxQL (embedded_source.h), the user's
/// InfluxDB, Prometheus or VictoriaMetrics (http_source.h). An error inside an answer is an error here, never
/// "no data".
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "metrics/point.h"

namespace gpuscale::datasource {

struct Sample {
  WallTime at;
  std::optional<double> value;  ///< empty = a bucket without samples; never 0
};

struct Series {
  std::string name;  ///< "gpu.mean {node: gpu-1}"
  metrics::Tags tags;
  std::vector<Sample> samples;  ///< ascending
};

/// What a rule asks for: `text` may hold $timeFilter, $__interval and $interval, which the source replaces.
struct Query {
  std::string text;
  WallTime from;
  WallTime to;
  WallTime now;
  std::chrono::milliseconds timeout{10'000};  ///< for the whole answer
  std::string source;                         ///< which of several is asked, see source_set.h; "" = our own
};

class DataSource {
 public:
  virtual ~DataSource() = default;
  /// One Series per row and numeric column; columns of text are an error. No series = no data. Errors:
  /// kInvalidArgument (the query), kUnavailable, kTimeout. Thread-safe.
  virtual Result<std::vector<Series>> query(const Query& query) = 0;

  using Done = std::function<void(Result<std::vector<Series>>)>;
  /// query() for who does not wait: `done` is called once, on any thread, at latest when twice query.timeout
  /// has passed. What has its answer at hand calls it before it returns.
  virtual void ask(const Query& query, Done done) { done(this->query(query)); }

  /// Why a query that is without fault found no series, where that is known without asking anyone else: the
  /// name in it that was never written, and what mends it; else "". Thread-safe.
  virtual std::string why_empty(const Query& /*query*/) const { return ""; }
};

}  // namespace gpuscale::datasource
