// SPDX-License-Identifier: Apache-2.0
#include "datasource/source_spec.h"

#include "datasource/embedded_source.h"
#include "influxql/engine.h"

namespace gpuscale::datasource {
namespace {

/// Any time will do: what is asked is whether the text can be read.
constexpr WallTime kSomeTime{std::chrono::hours{24 * 20'000}};

}  // namespace

std::string query_fault(const SourceSpec& source, const std::string& text) {
  const bool has_filter = text.find("$timeFilter") != std::string::npos;
  if (source.kind == SourceKind::kPrometheus) {
    if (!has_filter) return "";
    return "has $timeFilter, and source " + source.name +
           " is asked in PromQL: the window of the reduction is the range; leave it out";
  }
  if (!has_filter) return "has no $timeFilter and would read all that is stored; write WHERE $timeFilter";
  const Query query{
      .text = text, .from = kSomeTime - std::chrono::minutes{1}, .to = kSomeTime, .now = kSomeTime};
  const auto reads = influxql::check_reads_only(fill_in(query));
  return reads ? "" : reads.error().message();
}

}  // namespace gpuscale::datasource
