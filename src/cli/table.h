// SPDX-License-Identifier: Apache-2.0
/// Plain tables for terminals: columns as wide as their widest cell, two blanks between them.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gpuscale::cli {

struct Table {
  std::vector<std::string> heads;
  std::vector<std::vector<std::string>> rows;

  std::string to_text() const;
};

/// A JSON value as a cell: text without quotes, null as "-", numbers with at most two decimals, times of a
/// fraction of a second to the millisecond, so that they stand below each other.
std::string cell_of(const nlohmann::json& value);

/// One row per object of `items`, one column per (head, key); a missing key is "-".
Table table_of(const nlohmann::json& items, const std::vector<std::pair<std::string, std::string>>& columns);

/// Columns that a text takes on a terminal: code points, East Asian wide ones twice.
std::size_t display_width(std::string_view text);

}  // namespace gpuscale::cli
