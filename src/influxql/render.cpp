// SPDX-License-Identifier: Apache-2.0
#include "influxql/render.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "base/rfc3339.h"
#include "influxql/go_number.h"
#include "influxql/zone.h"
#include "metrics/line_protocol.h"

namespace gpuscale::influxql {

namespace {

/// A JSON writer with Go's forms; pretty as json.MarshalIndent(v, "", "    ").
class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void open(char bracket) {
    element();
    out_ += bracket;
    ++depth_;
    empty_ = true;
  }
  void close(char bracket) {
    const bool was_empty = std::exchange(empty_, false);  // what holds it is not empty: it holds this
    --depth_;
    if (!was_empty) line();
    out_ += bracket;
  }
  void key(std::string_view name) {
    element();
    text(name);
    out_ += pretty_ ? ": " : ":";
    after_key_ = true;
  }
  void raw(std::string_view value) {
    element();
    out_ += value;
  }
  void string(std::string_view value) {
    element();
    text(value);
  }
  void number(double value) {
    element();
    append_go_json_number(out_, value);
  }
  void number(std::int64_t value) {
    element();
    std::array<char, 24> digits{};
    const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out_.append(digits.data(), done.ptr);
  }
  std::string take() && {
    out_ += '\n';
    return std::move(out_);
  }
  void expect(std::size_t bytes) { out_.reserve(out_.size() + bytes); }

 private:
  void element() {
    if (after_key_) {
      after_key_ = false;
      return;
    }
    if (depth_ == 0) return;
    if (!empty_) out_ += ',';
    empty_ = false;
    line();
  }
  void line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(4 * depth_, ' ');
  }
  void text(std::string_view value);

  bool pretty_;
  bool after_key_ = false;
  std::size_t depth_ = 0;
  bool empty_ = true;  ///< the bracket that was opened last holds nothing yet
  std::string out_;
};

/// The length of the UTF-8 sequence at the start of `text`; 0 where it is malformed.
std::size_t sequence(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : (first >> 4U) == 14           ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) >= 0xa0) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) >= 0x90) return 0;
  return length;
}

/// What stands in a JSON text as it is.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c)
    plain[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
  return plain;
}();

void Writer::text(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out_ += '"';
  const auto plain = [](char c) { return kPlain[static_cast<unsigned char>(c)]; };
  for (std::size_t i = 0; i < value.size();) {
    const std::size_t first = i;
    while (i < value.size() && plain(value[i])) ++i;
    out_.append(value, first, i - first);
    if (i == value.size()) break;
    const char c = value[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      ++i;
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (c == '\r') {
        out_ += "\\r";
      } else if (c == '\t') {
        out_ += "\\t";
      } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
        out_ += "\\u00";
        out_ += kHex[byte >> 4U];
        out_ += kHex[byte & 15U];
      } else {
        out_ += c;
      }
      continue;
    }
    const std::size_t length = sequence(value.substr(i));
    if (length == 0) {
      out_ += "\\ufffd";
      ++i;
      continue;
    }
    const std::string_view rune = value.substr(i, length);
    if (rune == "\xe2\x80\xa8") {
      out_ += "\\u2028";
    } else if (rune == "\xe2\x80\xa9") {
      out_ += "\\u2029";
    } else {
      out_ += rune;
    }
    i += length;
  }
  out_ += '"';
}

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
  Writer& writer;
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
void write_row(Writer& writer, const Row& row, std::string_view epoch,
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

void write_result(Writer& writer, const StatementResult& result, bool partial, std::string_view epoch) {
  writer.open('{');
  writer.key("statement_id");
  writer.raw(std::to_string(result.statement_id));
  if (!result.rows.empty()) {
    std::size_t rows = 0;
    for (const Row& row : result.rows) rows += row.values.size();
    constexpr std::size_t kSeriesBytes = 96;  // about
    constexpr std::size_t kRowBytes = 32;
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
  Writer writer(pretty);
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
  Writer writer(pretty);
  writer.open('{');
  writer.key("results");
  writer.open('[');
  write_result(writer, result, partial, epoch);
  writer.close(']');
  writer.close('}');
  return std::move(writer).take();
}

}  // namespace gpuscale::influxql
