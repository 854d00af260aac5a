// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

#include "load/profile.h"

namespace gpuscale::load {
namespace {

constexpr double kMaxTraceSeconds = 3.2e9;  // a century

struct Row {
  double t_seconds = 0;
  double demand = 0;
};

Error at_line(const std::string& name, std::size_t line, std::string_view what) {
  return fail(Errc::kInvalidArgument, name + ":" + std::to_string(line) + ": " + std::string(what));
}

bool parse_number(std::string_view text, double& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

Result<Row> parse_row(std::string_view text, const std::string& name, std::size_t line) {
  const std::size_t comma = text.find(',');
  Row row;
  if (comma == std::string_view::npos || !parse_number(text.substr(0, comma), row.t_seconds) ||
      !parse_number(text.substr(comma + 1), row.demand)) {
    return at_line(
        name, line,
        "\"" + std::string(text.substr(0, 60)) + "\" is no row; write two numbers, as in \"12,3.5\"");
  }
  if (row.t_seconds < 0 || row.t_seconds > kMaxTraceSeconds) {
    return at_line(name, line, "t_seconds must be 0 to 3.2e9");
  }
  if (row.demand < 0) return at_line(name, line, "demand must not be negative");
  return row;
}

Result<std::vector<Row>> parse_rows(std::string_view csv, const std::string& name) {
  std::vector<Row> rows;
  bool header = false;
  std::size_t line = 0;
  for (std::size_t at = 0; at < csv.size();) {
    const std::size_t end = std::min(csv.find('\n', at), csv.size());
    std::string_view text = csv.substr(at, end - at);
    at = end + 1;
    ++line;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (text.empty() || text.front() == '#') continue;
    if (!header) {
      if (text != "t_seconds,demand") {
        return at_line(
            name, line,
            "the header must be \"t_seconds,demand\"; found \"" + std::string(text.substr(0, 60)) + "\"");
      }
      header = true;
      continue;
    }
    GS_TRY(const Row row, parse_row(text, name, line));
    if (!rows.empty() && row.t_seconds <= rows.back().t_seconds) {
      return at_line(name, line, "t_seconds must ascend from row to row; sort the file by time");
    }
    if (rows.size() == kMaxTraceRows) {
      return fail(Errc::kExhausted, name + ": more than 10,000,000 rows; cut it or make it coarser");
    }
    rows.push_back(row);
  }
  if (rows.empty()) {
    return fail(Errc::kInvalidArgument,
                name + ": no rows; write a header \"t_seconds,demand\" and one row a time");
  }
  return rows;
}

Result<void> check(const TraceOptions& options) {
  const auto good = [](double value) { return std::isfinite(value) && value > 0; };
  if (!good(options.speed) || options.speed > 1e6) {
    return fail(Errc::kInvalidArgument, "trace speed must be above 0 and at most 1000000");
  }
  if (!good(options.scale)) return fail(Errc::kInvalidArgument, "trace scale must be above 0");
  if (!good(options.capacity_rps)) {
    return fail(Errc::kInvalidArgument, "the capacity of a node must be above 0 requests per second");
  }
  return {};
}

}  // namespace

Result<Profile> Profile::parse_trace(std::string_view csv, const std::string& name,
                                     const TraceOptions& options) {
  GS_CHECK(check(options));
  if (csv.size() > kMaxTraceBytes) {
    return fail(Errc::kExhausted, name + ": larger than 100 MB; cut it or make it coarser");
  }
  GS_TRY(const std::vector<Row> rows, parse_rows(csv, name));
  std::vector<Step> steps;
  steps.reserve(rows.size());
  double seconds = 1;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + 1 < rows.size()) seconds = rows[i + 1].t_seconds - rows[i].t_seconds;
    const double rps = rows[i].demand * options.capacity_rps * options.scale;
    const double lasts = seconds / options.speed;
    if (lasts > std::chrono::duration<double>(kMaxLength).count())
      return fail(Errc::kInvalidArgument, name + ": lasts too long at this speed; raise --speed");
    steps.push_back({rps, rps, std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(lasts))});
  }
  auto profile = build(steps);
  if (!profile) return profile.error().with_context(name);
  return profile;
}

Result<Profile> Profile::read_trace(const std::string& path, const TraceOptions& options) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    return fail(Errc::kNotFound, "trace file " + path + " cannot be opened; check its name and rights");
  const std::streamoff size = file.tellg();
  if (size < 0) return fail(Errc::kInvalidArgument, "trace file " + path + " is no regular file");
  if (static_cast<std::size_t>(size) > kMaxTraceBytes) {
    return fail(Errc::kExhausted, path + ": larger than 100 MB; cut it or make it coarser");
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size))
    return fail(Errc::kUnavailable, "trace file " + path + " cannot be read");
  return parse_trace(text, path, options);
}

}  // namespace gpuscale::load
