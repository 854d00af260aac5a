// SPDX-License-Identifier: Apache-2.0
#include "cli/store_trace.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/duration.h"
#include "http/message.h"

namespace gpuscale::cli {
namespace {

using nlohmann::json;

/// An InfluxQL literal in single quotes.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// Nodes' shares by second, added up. False where the answer is none of ours.
bool add_series(const json& series, std::map<std::int64_t, double>& demand) {
  if (!series.is_object() || !series.contains("values") || !series["values"].is_array()) return false;
  for (const json& row : series["values"]) {
    if (!row.is_array() || row.size() < 2 || !row[0].is_number_integer()) return false;
    if (row[1].is_number()) demand[row[0].get<std::int64_t>()] += row[1].get<double>() / 100;
  }
  return true;
}

}  // namespace

Result<trace::DemandTrace> trace_from_answer(const json& answer, double& gap_share) {
  const Error strange =
      fail(Errc::kUnavailable, "the server's answer to the query of the load is not understood");
  std::map<std::int64_t, double> demand;
  if (!answer.is_object() || !answer.contains("results") || !answer["results"].is_array()) return strange;
  GS_CHECK(check_statements(answer));
  for (const json& result : answer["results"]) {
    if (!result.contains("series")) continue;
    for (const json& series : result["series"]) {
      if (!add_series(series, demand)) return strange;
    }
  }
  if (demand.size() < 2) {
    return fail(Errc::kNotFound,
                "the store holds no utilisation of GPUs in that range; look with `gpuscale query`");
  }
  std::int64_t step = demand.rbegin()->first - demand.begin()->first;
  for (auto at = std::next(demand.begin()); at != demand.end(); ++at) {
    step = std::min(step, at->first - std::prev(at)->first);
  }
  const std::int64_t steps = (demand.rbegin()->first - demand.begin()->first) / step + 1;
  gap_share = 1 - static_cast<double>(demand.size()) / static_cast<double>(steps);
  std::string csv = "t_seconds,demand\n";
  for (const auto& [at, nodes] : demand) {
    csv += std::to_string(at - demand.begin()->first) + "," + std::to_string(std::max(0.0, nodes)) + "\n";
  }
  return trace::DemandTrace::parse(csv, "store");
}

Result<trace::DemandTrace> trace_from_store(const RemoteOptions& options, const std::string& range,
                                            const std::string& pool) {
  constexpr std::int64_t kStep = 10;
  const auto length = base::parse_duration(range);
  if (!length) return length.error().with_context("--from-store");
  const std::int64_t seconds = *length / std::chrono::seconds{1};
  if (seconds < 2 * kStep) return fail(Errc::kInvalidArgument, "--from-store: " + range + " is too short");
  const std::int64_t step = std::max(kStep, (seconds / kMaxStoreSteps / kStep + 1) * kStep);
  std::string query =
      "SELECT mean(\"utilization_gpu\") FROM \"gpu\" WHERE time > now() - " + std::to_string(seconds) + "s";
  if (!pool.empty()) query += " AND \"pool\" = " + quoted(pool);
  query += " GROUP BY time(" + std::to_string(step) + "s), \"node\" fill(none)";
  Remote remote(options);
  GS_TRY(const auto answer, remote.query("db=gpuscale&epoch=s&q=" + http::url_encode(query)));
  double gap_share = 0;
  auto trace = trace_from_answer(answer, gap_share);
  if (!trace && !pool.empty()) return std::move(trace).error().with_context("pool \"" + pool + "\"");
  if (!trace) return trace;
  if (gap_share > 0.001) {
    std::fprintf(stderr, "gpuscale: %.1f%% of the range has no data; the last known load stands in\n",
                 100 * gap_share);
  }
  return trace;
}

}  // namespace gpuscale::cli
