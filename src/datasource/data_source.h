// SPDX-License-Identifier: Apache-2.0
/// The port through which rules look at metrics: `embedded` (our store by InfluxQL) now, the user's own
/// InfluxDB or Prometheus later. An error inside an answer is an error here, never "no data".
#pragma once
#include <chrono>
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
};

class DataSource {
 public:
  virtual ~DataSource() = default;
  /// One Series per row and numeric column; columns of text are an error. No series = no data. Errors:
  /// kInvalidArgument (the query), kUnavailable, kTimeout. Thread-safe.
  virtual Result<std::vector<Series>> query(const Query& query) = 0;
};

}  // namespace gpuscale::datasource
