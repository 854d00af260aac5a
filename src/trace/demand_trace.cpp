// SPDX-License-Identifier: Apache-2.0
#include "trace/demand_trace.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>

namespace gpuscale::trace {
namespace {

constexpr double kMaxSeconds = 3.2e9;  // a century

Error at_line(const std::string& name, std::size_t line, std::string_view what) {
  return fail(Errc::kInvalidArgument, name + ":" + std::to_string(line) + ": " + std::string(what));
}

bool parse_number(std::string_view text, double& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

Result<DemandRow> parse_row(std::string_view text, const std::string& name, std::size_t line) {
  const std::size_t comma = text.find(',');
  DemandRow row;
  if (comma == std::string_view::npos || !parse_number(text.substr(0, comma), row.t_seconds) ||
      !parse_number(text.substr(comma + 1), row.demand)) {
    return at_line(
        name, line,
        "\"" + std::string(text.substr(0, 60)) + "\" is no row; write two numbers, as in \"12,3.5\"");
  }
  if (row.t_seconds < 0 || row.t_seconds > kMaxSeconds) {
    return at_line(name, line, "t_seconds must be 0 to 3.2e9");
  }
  if (row.demand < 0) return at_line(name, line, "demand must not be negative");
  return row;
}

Result<std::vector<DemandRow>> parse_rows(std::string_view csv, const std::string& name) {
  std::vector<DemandRow> rows;
  // As spreadsheets save it.
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (csv.starts_with(kByteOrderMark)) csv.remove_prefix(kByteOrderMark.size());
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
    GS_TRY(const DemandRow row, parse_row(text, name, line));
    if (!rows.empty() && row.t_seconds <= rows.back().t_seconds) {
      return at_line(name, line, "t_seconds must ascend from row to row; sort the file by time");
    }
    if (rows.size() == kMaxRows) {
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

}  // namespace

Result<DemandTrace> DemandTrace::parse(std::string_view csv, const std::string& name) {
  if (csv.size() > kMaxBytes) {
    return fail(Errc::kExhausted, name + ": larger than 100 MB; cut it or make it coarser");
  }
  GS_TRY(std::vector<DemandRow> rows, parse_rows(csv, name));
  return DemandTrace(std::move(rows));
}

Result<DemandTrace> DemandTrace::read(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    return fail(Errc::kNotFound, "trace file " + path + " cannot be opened; check its name and rights");
  const std::streamoff size = file.tellg();
  if (size < 0) return fail(Errc::kInvalidArgument, "trace file " + path + " is no regular file");
  if (static_cast<std::size_t>(size) > kMaxBytes) {
    return fail(Errc::kExhausted, path + ": larger than 100 MB; cut it or make it coarser");
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size))
    return fail(Errc::kUnavailable, "trace file " + path + " cannot be read");
  return parse(text, path);
}

double DemandTrace::last_step_seconds() const {
  return rows_.size() < 2 ? 1 : rows_.back().t_seconds - rows_[rows_.size() - 2].t_seconds;
}

std::optional<DemandTrace::Gap> DemandTrace::widest_gap() const {
  std::vector<double> steps;
  Gap widest;
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    const double from = rows_[i - 1].t_seconds;
    const double to = rows_[i].t_seconds;
    steps.push_back(to - from);
    if (to - from > widest.to - widest.from) widest = {from, to, 0};
  }
  if (steps.empty()) return std::nullopt;
  const auto middle = steps.begin() + std::ssize(steps) / 2;
  std::nth_element(steps.begin(), middle, steps.end());
  widest.usual = *middle;
  const double least = std::max(kGapSteps * widest.usual, kGapSeconds);
  return widest.to - widest.from > least ? std::optional(widest) : std::nullopt;
}

double DemandTrace::seconds() const {
  return rows_.back().t_seconds - rows_.front().t_seconds + last_step_seconds();
}

Result<std::vector<double>> DemandTrace::per_tick(double tick_seconds) const {
  const double whole = std::floor(seconds() / tick_seconds);
  if (whole > static_cast<double>(kMaxTicks)) {
    return fail(Errc::kExhausted, "the trace has more than 50,000,000 ticks; take a longer tick");
  }
  const auto ticks = static_cast<std::size_t>(whole);
  std::vector<double> out(ticks);
  std::size_t row = 0;
  for (std::size_t k = 0; k < ticks; ++k) {
    const double t = rows_.front().t_seconds + static_cast<double>(k) * tick_seconds;
    while (row + 1 < rows_.size() && rows_[row + 1].t_seconds <= t) ++row;
    out[k] = rows_[row].demand;
  }
  return out;
}

}  // namespace gpuscale::trace
