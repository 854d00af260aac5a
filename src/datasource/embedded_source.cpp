// SPDX-License-Identifier: Apache-2.0
#include "datasource/embedded_source.h"

#include <array>

#include "base/duration.h"
#include "datasource/row_series.h"

namespace gpuscale::datasource {

namespace {

constexpr std::int64_t kMostBuckets = 100;

void replace_each(std::string& text, std::string_view name, std::string_view value) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size())) {
    text.replace(at, name.size(), value);
  }
}

Error as_source_error(Errc code, const std::string& message) {
  const bool passes = code == Errc::kTimeout || code == Errc::kUnavailable || code == Errc::kCorrupt;
  return fail(passes ? code : Errc::kInvalidArgument, "query: " + message);
}

influxql::QueryContext context_for(const Query& query, const std::string& database) {
  influxql::QueryContext context;
  context.database = database;
  context.now = query.now;
  context.limits.timeout = query.timeout;
  context.authorize = [](std::string_view privilege, std::string_view,
                         std::string_view statement) -> Result<void> {
    if (privilege == "READ") return {};
    return fail(Errc::kInvalidArgument, "a rule may read, not change: " + std::string(statement));
  };
  return context;
}

}  // namespace

Nanos interval_of(Nanos range) {
  constexpr std::array<std::int64_t, 17> kSteps = {1,   2,   5,     10,    15,    30,     60,     120,   300,
                                                   600, 900, 1'800, 3'600, 7'200, 21'600, 43'200, 86'400};
  for (const std::int64_t step : kSteps) {
    const Nanos every = std::chrono::seconds{step};
    if (range / every <= kMostBuckets) return every;
  }
  return std::chrono::seconds{kSteps.back()};
}

std::string fill_blanks(std::string text, const std::function<std::string(Blank, std::size_t)>& value) {
  // A name that another begins with comes after that one.
  constexpr std::array<std::pair<const char*, Blank>, 4> kBlanks = {{{"timeFilter", Blank::kTimeFilter},
                                                                     {"__interval_ms", Blank::kIntervalMs},
                                                                     {"__interval", Blank::kInterval},
                                                                     {"interval", Blank::kInterval}}};
  for (const auto& [name, blank] : kBlanks) {
    for (const std::string& written : {"${" + std::string(name) + "}", "$" + std::string(name)})
      replace_each(text, written, value(blank, written.size()));
  }
  return text;
}

std::string fill_in(const Query& query) {
  const Nanos every = interval_of(query.to - query.from);
  const std::string filter = "time >= " + std::to_string(base::to_unix_nanos(query.from)) + "ns AND time < " +
                             std::to_string(base::to_unix_nanos(query.to)) + "ns";
  const std::string step = base::format_duration(every);
  const std::string milliseconds =
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(every).count());
  return fill_blanks(query.text, [&](Blank blank, std::size_t) {
    return blank == Blank::kTimeFilter ? filter : blank == Blank::kInterval ? step : milliseconds;
  });
}

Result<std::vector<Series>> EmbeddedSource::query(const Query& query) {
  auto results = engine_.execute(fill_in(query), context_for(query, database_));
  if (!results) return as_source_error(results.error().code(), results.error().message());
  std::vector<Series> out;
  for (const influxql::StatementResult& result : *results) {
    if (result.error) return as_source_error(result.error_code, *result.error);
    for (const influxql::Row& row : result.rows) GS_CHECK(append_series(row, out));
  }
  return out;
}

std::string EmbeddedSource::why_empty(const Query& query) const {
  return engine_.missing_names(fill_in(query), context_for(query, database_));
}

}  // namespace gpuscale::datasource
