// SPDX-License-Identifier: Apache-2.0
#include "datasource/source_spec.h"

#include <string_view>

#include "datasource/embedded_source.h"
#include "influxql/engine.h"

namespace gpuscale::datasource {
namespace {

/// Any time will do: what is asked is whether the text can be read.
constexpr WallTime kSomeTime{std::chrono::hours{24 * 20'000}};

/// Something for a blank that takes as many bytes as the blank does: a fault is found at the place where the
/// author sees it.
std::string of_equal_size(Blank blank, std::size_t bytes) {
  const std::string_view begin = blank == Blank::kTimeFilter ? "time > 1" : "1";
  const std::string_view end = blank == Blank::kInterval ? "s" : "";
  std::string out(begin);
  out.append(bytes - begin.size() - end.size(), '0');
  return out.append(end);
}

}  // namespace

std::string influxql_fault(const std::string& text) {
  if (text.find("$timeFilter") == std::string::npos && text.find("${timeFilter}") == std::string::npos)
    return "has no $timeFilter and would read all that is stored; write WHERE $timeFilter";
  if (const auto read = influxql::check_reads_only(fill_blanks(text, of_equal_size), kSomeTime); !read)
    return read.error().message();
  return "";
}

std::string query_fault(const SourceSpec& source, const std::string& text) {
  if (source.kind == SourceKind::kPrometheus) {
    if (text.find("$timeFilter") == std::string::npos) return "";
    return "has $timeFilter, and source " + source.name +
           " is asked in PromQL: the window of the reduction is the range; leave it out";
  }
  return influxql_fault(text);
}

}  // namespace gpuscale::datasource
