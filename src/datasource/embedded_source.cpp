// SPDX-License-Identifier: Apache-2.0
#include "datasource/embedded_source.h"

#include <algorithm>
#include <array>

#include "base/duration.h"

namespace gpuscale::datasource {

namespace {

using influxql::Cell;
using influxql::Row;

constexpr std::int64_t kMostBuckets = 100;

void replace_each(std::string& text, std::string_view name, std::string_view value) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size())) {
    text.replace(at, name.size(), value);
  }
}

/// `$name` and `${name}`.
void replace_all(std::string& text, const std::string& name, std::string_view value) {
  replace_each(text, "${" + name + "}", value);
  replace_each(text, "$" + name, value);
}

std::string series_name(const Row& row, const std::string& column) {
  std::string out = row.name + "." + column;
  if (row.tags.empty()) return out;
  out += " {";
  for (const metrics::Tag& tag : row.tags)
    out += (&tag == &row.tags.front() ? "" : ", ") + tag.key + ": " + tag.value;
  return out + "}";
}

/// Null becomes an absent value; absent as a whole where the cell is no number.
std::optional<std::optional<double>> number_of(const Cell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) return std::optional<double>();
  if (const auto* number = std::get_if<double>(&cell)) return std::optional<double>(*number);
  if (const auto* integer = std::get_if<std::int64_t>(&cell))
    return std::optional<double>(static_cast<double>(*integer));
  return std::nullopt;
}

Result<Series> series_of(const Row& row, std::size_t column) {
  Series out{series_name(row, row.columns[column]), row.tags, {}};
  std::sort(out.tags.begin(), out.tags.end());
  out.samples.reserve(row.values.size());
  for (const std::vector<Cell>& cells : row.values) {
    const auto* time = std::get_if<WallTime>(cells.data());
    if (time == nullptr) {
      return fail(Errc::kInvalidArgument, "the query yields no times; SELECT from a measurement");
    }
    const auto value = number_of(cells[column]);
    if (!value) {
      return fail(Errc::kInvalidArgument, "column " + row.columns[column] + " of " + row.name +
                                              " holds no numbers; select numeric fields");
    }
    out.samples.push_back({*time, *value});
  }
  const auto earlier = [](const Sample& a, const Sample& b) { return a.at < b.at; };
  if (!std::is_sorted(out.samples.begin(), out.samples.end(), earlier)) {
    std::stable_sort(out.samples.begin(), out.samples.end(), earlier);
  }
  return out;
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

std::string fill_in(const Query& query) {
  const Nanos every = interval_of(query.to - query.from);
  const std::string filter = "time >= " + std::to_string(base::to_unix_nanos(query.from)) + "ns AND time < " +
                             std::to_string(base::to_unix_nanos(query.to)) + "ns";
  const std::string step = base::format_duration(every);
  std::string out = query.text;
  replace_all(out, "timeFilter", filter);
  replace_all(out, "__interval_ms",
              std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(every).count()));
  replace_all(out, "__interval", step);
  replace_all(out, "interval", step);
  return out;
}

Result<std::vector<Series>> EmbeddedSource::query(const Query& query) {
  auto results = engine_.execute(fill_in(query), context_for(query, database_));
  if (!results) return as_source_error(results.error().code(), results.error().message());
  std::vector<Series> out;
  for (const influxql::StatementResult& result : *results) {
    if (result.error) return as_source_error(result.error_code, *result.error);
    for (const Row& row : result.rows) {
      if (row.values.empty()) continue;
      if (!std::holds_alternative<WallTime>(row.values.front().front())) {
        return fail(Errc::kInvalidArgument, "the query yields no times; SELECT from a measurement");
      }
      for (std::size_t column = 1; column < row.columns.size(); ++column) {
        GS_TRY(Series series, series_of(row, column));
        out.push_back(std::move(series));
      }
    }
  }
  return out;
}

}  // namespace gpuscale::datasource
