// SPDX-License-Identifier: Apache-2.0
#include "datasource/row_series.h"

#include <algorithm>

namespace gpuscale::datasource {
namespace {

using influxql::Cell;
using influxql::Row;

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
  for (const std::span<const Cell> cells : row.values) {
    const auto value = number_of(cells[column]);
    if (!value) {
      return fail(Errc::kInvalidArgument, "column " + row.columns[column] + " of " + row.name +
                                              " holds no numbers; select numeric fields");
    }
    out.samples.push_back({std::get<WallTime>(cells.front()), *value});
  }
  const auto earlier = [](const Sample& a, const Sample& b) { return a.at < b.at; };
  if (!std::is_sorted(out.samples.begin(), out.samples.end(), earlier)) {
    std::stable_sort(out.samples.begin(), out.samples.end(), earlier);
  }
  return out;
}

}  // namespace

Result<void> append_series(const Row& row, std::vector<Series>& out) {
  if (row.values.empty()) return {};
  for (const std::span<const Cell> cells : row.values) {
    if (cells.empty() || !std::holds_alternative<WallTime>(cells.front()))
      return fail(Errc::kInvalidArgument, "the query yields no times; SELECT from a measurement");
  }
  for (std::size_t column = 1; column < row.columns.size(); ++column) {
    GS_TRY(Series series, series_of(row, column));
    out.push_back(std::move(series));
  }
  return {};
}

}  // namespace gpuscale::datasource
