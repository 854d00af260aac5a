// SPDX-License-Identifier: Apache-2.0
#include "influxql/render.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/rfc3339.h"
#include "influxql/json_writer.h"
#include "influxql/zone.h"
#include "metrics/line_protocol.h"

namespace gpuscale::influxql {

namespace {

/// "2000-04-02T00:00:00-08:00"; UTC is "Z".
std::string local_time(WallTime time, const Zone& zone) {
  if (zone.utc()) return base::format_rfc3339(time);
  const std::int64_t offset = zone.offset_at(base::to_unix_nanos(time));
  std::string out = base::format_rfc3339(time + Nanos{offset});
  if (offset == 0) return out;
  const std::int64_t minutes = std::abs(offset) / 60'000'000'000;
  const auto two = [](std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  out.back() = offset < 0 ? '-' : '+';
  return out + two(minutes / 60) + ":" + two(minutes % 60);
}

struct CellWriter {
  JsonWriter& writer;
  std::int64_t unit;  ///< of times as numbers; 0 = times as texts
  const Zone& zone;
  void operator()(std::monostate) const { writer.raw("null"); }
  void operator()(double value) const { writer.number(value); }
  void operator()(std::int64_t value) const { writer.number(value); }
  void operator()(const std::string& value) const { writer.string(value); }
  void operator()(bool value) const { writer.raw(value ? "true" : "false"); }
  void operator()(WallTime value) const {
    if (unit == 0) {
      writer.string(local_time(value, zone));
    } else {
      writer.number(base::to_unix_nanos(value) / unit);
    }
  }
};

/// @param sorted room for a row's tags, kept from row to row
void write_row(JsonWriter& writer, const Row& row, std::string_view epoch,
               std::vector<const metrics::Tag*>& sorted) {
  const Zone zone(row.zone);
  writer.open('{');
  if (!row.name.empty()) {
    writer.key("name");
    writer.string(row.name);
  }
  if (row.has_tags && !row.tags.empty()) {
    writer.key("tags");
    writer.open('{');
    // Go prints maps by key.
    sorted.clear();
    for (const metrics::Tag& tag : row.tags) sorted.push_back(&tag);
    std::sort(sorted.begin(), sorted.end(),
              [](const metrics::Tag* a, const metrics::Tag* b) { return *a < *b; });
    for (const metrics::Tag* tag : sorted) {
      writer.key(tag->key);
      writer.string(tag->value);
    }
    writer.close('}');
  }
  writer.key("columns");
  writer.open('[');
  for (const std::string& column : row.columns) writer.string(column);
  writer.close(']');
  if (!row.values.empty()) {
    const std::int64_t unit = epoch.empty() ? 0 : metrics::nanos_per(metrics::parse_precision(epoch));
    const CellWriter cells{writer, unit, zone};
    writer.key("values");
    writer.open('[');
    for (const std::span<const Cell> values : row.values) {
      writer.open('[');
      for (const Cell& cell : values) std::visit(cells, cell);
      writer.close(']');
    }
    writer.close(']');
  }
  if (row.partial) {
    writer.key("partial");
    writer.raw("true");
  }
  writer.close('}');
}

void write_result(JsonWriter& writer, const StatementResult& result, bool partial, std::string_view epoch) {
  writer.open('{');
  writer.key("statement_id");
  writer.raw(std::to_string(result.statement_id));
  if (!result.rows.empty()) {
    std::size_t rows = 0;
    for (const Row& row : result.rows) rows += row.values.size();
    constexpr std::size_t kSeriesBytes = 96;  // about
    constexpr std::size_t kRowBytes = 40;
    writer.expect(result.rows.size() * kSeriesBytes + rows * kRowBytes);
    writer.key("series");
    writer.open('[');
    std::vector<const metrics::Tag*> sorted;
    for (const Row& row : result.rows) write_row(writer, row, epoch, sorted);
    writer.close(']');
  }
  if (!result.messages.empty()) {
    writer.key("messages");
    writer.open('[');
    for (const Message& message : result.messages) {
      writer.open('{');
      writer.key("level");
      writer.string(message.level);
      writer.key("text");
      writer.string(message.text);
      writer.close('}');
    }
    writer.close(']');
  }
  if (partial) {
    writer.key("partial");
    writer.raw("true");
  }
  if (result.error) {
    writer.key("error");
    writer.string(*result.error);
  }
  writer.close('}');
}

}  // namespace

std::string render_json(const std::vector<StatementResult>& results, std::optional<std::string> epoch,
                        bool pretty) {
  JsonWriter writer(pretty);
  writer.open('{');
  if (!results.empty()) {
    writer.key("results");
    writer.open('[');
    for (const StatementResult& result : results) write_result(writer, result, false, epoch.value_or(""));
    writer.close(']');
  }
  writer.close('}');
  return std::move(writer).take();
}

std::string render_document(const StatementResult& result, bool partial, std::string_view epoch,
                            bool pretty) {
  JsonWriter writer(pretty);
  writer.open('{');
  writer.key("results");
  writer.open('[');
  write_result(writer, result, partial, epoch);
  writer.close(']');
  writer.close('}');
  return std::move(writer).take();
}

}  // namespace gpuscale::influxql
