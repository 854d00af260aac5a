// SPDX-License-Identifier: Apache-2.0
#include "datasource/source_spec.h"

#include <array>
#include <utility>

#include "datasource/embedded_source.h"
#include "influxql/engine.h"

namespace gpuscale::datasource {
namespace {

/// Any time will do: what is asked is whether the text can be read.
constexpr WallTime kSomeTime{std::chrono::hours{24 * 20'000}};

/// What is left open in a text, filled in by something as long as its name: a fault is found at the place
/// where the author sees it.
std::string filled_in_place(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kFillers = {{
      {"${timeFilter}", "time > 100000"},
      {"$timeFilter", "time > 1000"},
      {"${__interval_ms}", "1000000000000000"},
      {"$__interval_ms", "10000000000000"},
      {"${__interval}", "100000000000s"},
      {"$__interval", "1000000000s"},
      {"${interval}", "1000000000s"},
      {"$interval", "10000000s"},
  }};
  for (const auto& [name, filler] : kFillers) {
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + name.size()))
      text.replace(at, name.size(), filler);
  }
  return text;
}

}  // namespace

std::string influxql_fault(const std::string& text) {
  if (text.find("$timeFilter") == std::string::npos && text.find("${timeFilter}") == std::string::npos)
    return "has no $timeFilter and would read all that is stored; write WHERE $timeFilter";
  if (const auto read = influxql::check_reads_only(filled_in_place(text), kSomeTime); !read)
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
