// SPDX-License-Identifier: Apache-2.0
#include "api/results.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "api/influx.h"
#include "base/floor_division.h"
#include "influxql/go_number.h"
#include "influxql/render.h"
#include "metrics/line_protocol.h"

namespace gpuscale::api {

namespace {

using influxql::Cell;
using influxql::Row;
using influxql::StatementResult;
using nlohmann::ordered_json;

std::int64_t in_epoch(WallTime time, std::string_view epoch) {
  return base::to_unix_nanos(time) / metrics::nanos_per(metrics::parse_precision(epoch));
}

std::string csv_cell(const Cell& cell, std::string_view epoch) {
  struct Visitor {
    std::string_view epoch;
    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(double value) const { return influxql::go_fixed(value); }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(const std::string& value) const { return csv_field(value); }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(WallTime value) const { return std::to_string(in_epoch(value, epoch)); }
  };
  return std::visit(Visitor{epoch}, cell);
}

/// As InfluxDB's CSV has them: by key, whatever the order of GROUP BY.
std::string tag_text(metrics::Tags tags) {
  std::sort(tags.begin(), tags.end());
  std::string key = metrics::series_key("", tags);
  return key.empty() ? key : key.substr(1);
}

void append_csv_rows(std::string& out, const Row& row, std::string_view epoch) {
  const std::string head = csv_field(row.name) + "," + csv_field(tag_text(row.tags));
  for (const std::span<const Cell> values : row.values) {
    out += head;
    for (const Cell& cell : values) out += "," + csv_cell(cell, epoch);
    out += '\n';
  }
}

/// msgpack's extension 5, which Go's time.Time is sent as: seconds and nanoseconds, big-endian, 8 and 4
/// bytes.
ordered_json go_time(WallTime time) {
  const std::int64_t ns = base::to_unix_nanos(time);
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t rest = base::floor_rest(ns, kSecond);
  const auto seconds = static_cast<std::uint64_t>((ns - rest) / kSecond);
  std::vector<std::uint8_t> bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(seconds >> shift));
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(rest) >> shift));
  }
  return ordered_json::binary(std::move(bytes), 5);
}

ordered_json packed_cell(const Cell& cell, std::string_view epoch) {
  struct Visitor {
    std::string_view epoch;
    ordered_json operator()(std::monostate) const { return nullptr; }
    ordered_json operator()(double value) const { return value; }
    ordered_json operator()(std::int64_t value) const { return value; }
    ordered_json operator()(const std::string& value) const { return value; }
    ordered_json operator()(bool value) const { return value; }
    ordered_json operator()(WallTime value) const {
      return epoch.empty() ? go_time(value) : ordered_json(in_epoch(value, epoch));
    }
  };
  return std::visit(Visitor{epoch}, cell);
}

ordered_json packed_row(const Row& row, std::string_view epoch) {
  ordered_json out = ordered_json::object();
  if (!row.name.empty()) out["name"] = row.name;
  if (row.has_tags) {
    for (const auto& tag : row.tags) out["tags"][tag.key] = tag.value;
  }
  out["columns"] = row.columns.list();
  if (!row.values.empty()) out["values"] = ordered_json::array();
  for (const std::span<const Cell> values : row.values) {
    ordered_json& line = out["values"].emplace_back(ordered_json::array());
    for (const Cell& cell : values) line.push_back(packed_cell(cell, epoch));
  }
  if (row.partial) out["partial"] = true;
  return out;
}

/// The rows [begin, end) of `row`, without copying the others.
Row cut(const Row& row, std::size_t begin, std::size_t end) {
  Row piece;
  piece.name = row.name;
  piece.tags = row.tags;
  piece.has_tags = row.has_tags;
  piece.columns = row.columns;
  piece.values = row.values.part(begin, end);
  piece.partial = end < row.values.size();
  return piece;
}

}  // namespace

std::string render_csv(const Results& results, std::string_view epoch) {
  std::string out;
  for (const StatementResult& result : results) {
    if (result.rows.empty() && !result.error) continue;
    if (!out.empty()) out += '\n';
    if (!result.rows.empty()) {
      out += "name,tags";
      for (const std::string& column : result.rows.front().columns) out += "," + csv_field(column);
      out += '\n';
    }
    for (const Row& row : result.rows) append_csv_rows(out, row, epoch);
    if (result.error) out += "error\n" + csv_field(*result.error) + "\n";
  }
  return out;
}

std::string render_msgpack(const Results& results, std::string_view epoch) {
  ordered_json body = {{"results", ordered_json::array()}};
  for (const StatementResult& result : results) {
    ordered_json& entry = body["results"].emplace_back(ordered_json::object());
    entry["statement_id"] = result.statement_id;
    for (const Row& row : result.rows) entry["series"].push_back(packed_row(row, epoch));
    for (const auto& message : result.messages) {
      entry["messages"].push_back({{"level", message.level}, {"text", message.text}});
    }
    if (result.error) entry["error"] = *result.error;
  }
  const std::vector<std::uint8_t> bytes = ordered_json::to_msgpack(body);
  return {bytes.begin(), bytes.end()};
}

std::string render_chunks(const Results& results, std::string_view epoch, std::size_t chunk_size,
                          bool pretty) {
  std::string out;
  for (const StatementResult& result : results) {
    StatementResult piece;
    piece.statement_id = result.statement_id;
    piece.messages = result.messages;
    if (result.pieces == influxql::Pieces::kOne) {
      out += render_document(result, false, epoch, pretty);
      continue;
    }
    for (std::size_t i = 0; i < result.rows.size(); ++i) {
      const Row& row = result.rows[i];
      if (result.pieces == influxql::Pieces::kSeries) {
        piece.rows = {row};
        out += render_document(piece, false, epoch, pretty);
        piece.messages.clear();
        continue;
      }
      std::size_t begin = 0;
      do {
        const std::size_t end = begin + std::min(chunk_size, row.values.size() - begin);
        const bool more = end < row.values.size() || i + 1 < result.rows.size() || result.error.has_value();
        piece.rows = {cut(row, begin, end)};
        out += render_document(piece, more, epoch, pretty);
        piece.messages.clear();
        begin = end;
      } while (begin < row.values.size());
    }
    if (!result.rows.empty() && !result.error) continue;
    piece.rows.clear();
    piece.error = result.error;
    out += render_document(piece, false, epoch, pretty);
  }
  return out;
}

}  // namespace gpuscale::api
