// SPDX-License-Identifier: Apache-2.0
/// The peers' behaviour as data: files of one JSON object a line, from $GPUSCALE_COMPAT_DIR or beside the
/// source tree.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/duration.h"
#include "influxql/engine.h"

namespace gpuscale::influxql::testing {

inline std::filesystem::path compat_dir() {
  const char* given = std::getenv("GPUSCALE_COMPAT_DIR");
  if (given != nullptr && *given != '\0') return given;
  return std::filesystem::path(GPUSCALE_SOURCE_DIR).parent_path() / "shared/compat";
}

/// Empty where the file is missing.
inline std::vector<nlohmann::json> compat_lines(const std::string& file) {
  std::vector<nlohmann::json> out;
  std::ifstream in(compat_dir() / file);
  for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
  return out;
}

inline Param param_of(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  const std::string kind = value.begin().key();
  const nlohmann::json& inner = value.begin().value();
  if (kind == "regex") return Regex{inner.get<std::string>()};
  if (kind == "identifier" || kind == "ident") return Identifier{inner.get<std::string>()};
  if (kind == "string") return inner.get<std::string>();
  if (kind == "float" || kind == "number") return inner.get<double>();
  if (kind == "integer" || kind == "int") return inner.get<std::int64_t>();
  if (inner.is_number()) return DurationParam{Nanos{inner.get<std::int64_t>()}};
  return DurationParam{base::parse_duration(inner.get<std::string>()).value()};
}

inline Params params_of(const nlohmann::json& entry) {
  Params out;
  if (!entry.contains("params") || !entry["params"].is_object()) return out;
  for (const auto& [name, value] : entry["params"].items()) out.emplace(name, param_of(value));
  return out;
}

}  // namespace gpuscale::influxql::testing
