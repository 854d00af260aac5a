// SPDX-License-Identifier: Apache-2.0
#include "api/results.h"

#include <algorithm>
#include <span>

#include "api/influx.h"
#include "api/msgpack_writer.h"
#include "influxql/go_number.h"
#include "influxql/render.h"
#include "metrics/line_protocol.h"

namespace gpuscale::api {

namespace {

using influxql::Cell;
using influxql::Row;
using influxql::StatementResult;

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

void pack_cell(MsgpackWriter& writer, const Cell& cell, std::string_view epoch) {
  struct Visitor {
    MsgpackWriter& writer;
    std::string_view epoch;
    void operator()(std::monostate) const { writer.nil(); }
    void operator()(double value) const { writer.number(value); }
    void operator()(std::int64_t value) const { writer.integer(value); }
    void operator()(const std::string& value) const { writer.text(value); }
    void operator()(bool value) const { writer.boolean(value); }
    void operator()(WallTime value) const {
      if (epoch.empty()) return writer.time(value);
      writer.integer(in_epoch(value, epoch));
    }
  };
  std::visit(Visitor{writer, epoch}, cell);
}

void pack_row(MsgpackWriter& writer, const Row& row, std::string_view epoch) {
  const bool tagged = row.has_tags && !row.tags.empty();
  writer.map(1U + (row.name.empty() ? 0U : 1U) + (tagged ? 1U : 0U) + (row.values.empty() ? 0U : 1U) +
             (row.partial ? 1U : 0U));
  if (!row.name.empty()) {
    writer.text("name");
    writer.text(row.name);
  }
  if (tagged) {
    writer.text("tags");
    writer.map(row.tags.size());
    for (const auto& tag : row.tags) {
      writer.text(tag.key);
      writer.text(tag.value);
    }
  }
  writer.text("columns");
  writer.array(row.columns.list().size());
  for (const std::string& column : row.columns) writer.text(column);
  if (!row.values.empty()) {
    writer.text("values");
    writer.array(row.values.size());
    for (const std::span<const Cell> values : row.values) {
      writer.array(values.size());
      for (const Cell& cell : values) pack_cell(writer, cell, epoch);
    }
  }
  if (row.partial) {
    writer.text("partial");
    writer.boolean(true);
  }
}

void pack_result(MsgpackWriter& writer, const StatementResult& result, std::string_view epoch) {
  if (result.error) {  // Observed: it says nothing else then, not even whose it is.
    writer.map(1);
    writer.text("error");
    return writer.text(*result.error);
  }
  writer.map(result.messages.empty() ? 2 : 3);
  writer.text("statement_id");
  writer.integer(result.statement_id);
  if (!result.messages.empty()) {
    writer.text("messages");
    writer.array(result.messages.size());
    for (const auto& message : result.messages) {
      writer.map(2);
      writer.text("level");
      writer.text(message.level);
      writer.text("text");
      writer.text(message.text);
    }
  }
  writer.text("series");
  writer.array(result.rows.size());
  for (const Row& row : result.rows) pack_row(writer, row, epoch);
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
  MsgpackWriter writer;
  writer.map(1);
  writer.text("results");
  writer.array(results.size());
  for (const StatementResult& result : results) pack_result(writer, result, epoch);
  return writer.take();
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
