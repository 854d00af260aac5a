// SPDX-License-Identifier: Apache-2.0
/// A store of metrics that is not ours, as its owner declares it: a real InfluxDB 1.x, a Prometheus, or what
/// speaks as Prometheus does (VictoriaMetrics, Mimir, Thanos).
#pragma once
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace gpuscale::datasource {

enum class SourceKind { kInfluxdb, kPrometheus };

/// kRange: query_range over the window of the reduction. kInstant: one query at its end; a text with a range
/// of its own (`up[5m]`) answers with raw samples.
enum class Asking { kRange, kInstant };

/// The name by which a rule means the server's own store.
inline constexpr const char* kOwnStore = "embedded";

struct SourceSpec {
  std::string name;
  SourceKind kind = SourceKind::kPrometheus;
  std::string url;  ///< up to, without, /query or /api/v1
  Asking ask = Asking::kRange;
  Nanos step{0};                 ///< of kPrometheus: the least step of a range; 0 = what suits the window
  std::string database;          ///< of kInfluxdb
  std::string retention_policy;  ///< "" = the database's default
  Secret bearer;
  std::string user;
  Secret password;
  std::string ca_file;
  std::string client_certificate;
  std::string client_key;
  std::map<std::string, std::string, std::less<>> headers;
  std::chrono::milliseconds timeout{5'000};  ///< for one answer; at most 10 s
};

/// What is wrong with an InfluxQL query of a rule, with the mend; "" = nothing that can be known before it
/// runs. It is parsed, its calls are checked, it may only read, and it has to hold $timeFilter. Lines and
/// columns are those of the text as it is written.
std::string influxql_fault(const std::string& text);

/// What is wrong with a query for this source, with the mend; "" = nothing that can be known here. InfluxQL
/// is judged by influxql_fault(); PromQL is judged by its server.
std::string query_fault(const SourceSpec& source, const std::string& text);

}  // namespace gpuscale::datasource
