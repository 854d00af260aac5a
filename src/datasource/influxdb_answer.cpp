// SPDX-License-Identifier: Apache-2.0
#include "datasource/influxdb_answer.h"

#include <nlohmann/json.hpp>

#include "datasource/row_series.h"

namespace gpuscale::datasource {
namespace {

using nlohmann::json;

Error not_influxdb(const std::string& what) {
  return fail(Errc::kCorrupt, "is no answer of InfluxDB's /query: " + what);
}

/// An empty list where there is none.
Result<json> list_in(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return json::array();
  if (!found->is_array()) return not_influxdb("\"" + std::string(key) + "\" is no list");
  return *found;
}

bool is_true(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && *found == true;
}

Result<void> check_error(const json& object) {
  const auto found = object.find("error");
  if (found == object.end()) return {};
  const std::string said = found->is_string() ? found->get<std::string>() : found->dump();
  const bool late =
      said.find("timeout") != std::string::npos || said.find("interrupted") != std::string::npos;
  return fail(late ? Errc::kTimeout : Errc::kInvalidArgument, "query: " + said);
}

influxql::Cell cell_of(const json& value, bool is_time) {
  if (value.is_null()) return std::monostate{};
  if (is_time && value.is_number_integer()) return base::from_unix_nanos(value.get<std::int64_t>());
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_boolean()) return value.get<bool>();
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Result<influxql::Row> row_of(const json& series) {
  if (!series.is_object()) return not_influxdb("a series is no object");
  influxql::Row row;
  if (const auto name = series.find("name"); name != series.end() && name->is_string())
    row.name = name->get<std::string>();
  if (const auto tags = series.find("tags"); tags != series.end()) {
    if (!tags->is_object()) return not_influxdb("\"tags\" is no object");
    for (const auto& [key, value] : tags->items()) {
      if (!value.is_string()) return not_influxdb("a tag is no text");
      if (!value.get_ref<const std::string&>().empty()) row.tags.push_back({key, value.get<std::string>()});
    }
  }
  GS_TRY(const json columns, list_in(series, "columns"));
  std::vector<std::string> names;
  for (const json& column : columns) {
    if (!column.is_string()) return not_influxdb("the name of a column is no text");
    names.push_back(column.get<std::string>());
  }
  row.columns = std::move(names);
  const bool timed = !row.columns.empty() && row.columns.front() == "time";
  GS_TRY(const json values, list_in(series, "values"));
  row.values.reserve(values.size(), row.columns.size());
  for (const json& cells : values) {
    if (!cells.is_array() || cells.size() != row.columns.size())
      return not_influxdb("a row has not as many values as there are columns");
    for (std::size_t i = 0; i < cells.size(); ++i) row.values.add(cell_of(cells[i], timed && i == 0));
  }
  return row;
}

}  // namespace

Result<std::vector<Series>> series_of_influxdb(const json& answer) {
  if (!answer.is_object()) return not_influxdb("it is no JSON object");
  GS_CHECK(check_error(answer));
  if (!answer.contains("results")) return not_influxdb("it has no \"results\"");
  GS_TRY(const json results, list_in(answer, "results"));
  std::vector<Series> out;
  for (const json& result : results) {
    if (!result.is_object()) return not_influxdb("a result is no object");
    GS_CHECK(check_error(result));
    GS_TRY(const json all, list_in(result, "series"));
    for (const json& series : all) {
      GS_TRY(const influxql::Row row, row_of(series));
      if (is_true(series, "partial") || is_true(result, "partial")) {
        return fail(Errc::kExhausted,
                    "InfluxDB cut its answer (max-row-limit); ask for fewer series or coarser buckets");
      }
      GS_CHECK(append_series(row, out));
    }
  }
  return out;
}

Result<std::vector<Series>> read_influxdb_answer(std::string_view body) {
  const json answer = json::parse(body, nullptr, false);
  if (answer.is_discarded()) return not_influxdb("it is no JSON");
  return series_of_influxdb(answer);
}

}  // namespace gpuscale::datasource
