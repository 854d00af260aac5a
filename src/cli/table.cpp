// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/utf8.h"

namespace gpuscale::cli {
namespace {

bool is_wide(char32_t code) {
  // The East Asian wide and full-width blocks that our own texts and users' names can hold (Unicode UAX #11).
  return (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
         (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
         (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
         (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1faff) ||
         (code >= 0x20000 && code <= 0x3fffd);
}

void append_padded(std::string& line, const std::string& cell, std::size_t width, bool last) {
  line += cell;
  if (last) return;
  const std::size_t shown = display_width(cell);
  line.append(width > shown ? width - shown + 2 : 2, ' ');
}

/// "2026-11-24T02:15:36.98765432Z" -> "2026-11-24T02:15:36.987Z"; any other text as it is.
std::string to_the_millisecond(std::string text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00.";
  const auto fits = [&](std::size_t i) {
    return kShape[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == kShape[i];
  };
  if (text.size() < kShape.size() + 2 || text.back() != 'Z') return text;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    if (!fits(i)) return text;
  }
  text.pop_back();
  text.resize(kShape.size() + 3, '0');
  return text + "Z";
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const base::Utf8Character character = base::first_character(text);
    width += is_wide(character.code) ? 2U : 1U;
    text.remove_prefix(std::max<std::size_t>(character.bytes, 1));
  }
  return width;
}

std::string Table::to_text() const {
  std::vector<std::size_t> widths(heads.size());
  for (std::size_t c = 0; c < heads.size(); ++c) {
    widths[c] = display_width(heads[c]);
    for (const auto& row : rows) {
      if (c < row.size()) widths[c] = std::max(widths[c], display_width(row[c]));
    }
  }
  std::string out;
  const auto append_row = [&](const std::vector<std::string>& cells) {
    for (std::size_t c = 0; c < cells.size(); ++c)
      append_padded(out, cells[c], widths[c], c + 1 == cells.size());
    out += '\n';
  };
  append_row(heads);
  for (const auto& row : rows) append_row(row);
  return out;
}

std::string cell_of(const nlohmann::json& value) {
  if (value.is_null()) return "-";
  if (value.is_string())
    return value.get<std::string>().empty() ? "-" : to_the_millisecond(value.get<std::string>());
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (number == std::floor(number) && std::fabs(number) < 1e15)
      return std::to_string(static_cast<long long>(number));
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.2f", number);
    return buffer.data();
  }
  if (value.is_structured()) {
    std::string out;
    for (const auto& [name, each] : value.items()) {
      // A count of zero says nothing.
      const std::string cell = each == 0 ? "-" : cell_of(each);
      if (cell == "-") continue;
      if (!out.empty()) out += ", ";
      out += value.is_array() ? cell : each.is_number() ? cell + " " + name : name + "=" + cell;
    }
    return out.empty() ? "-" : out;
  }
  return value.dump();
}

Table table_of(const nlohmann::json& items, const std::vector<std::pair<std::string, std::string>>& columns) {
  Table table;
  for (const auto& [head, key] : columns) table.heads.push_back(head);
  for (const auto& item : items) {
    std::vector<std::string> row;
    for (const auto& [head, key] : columns) {
      row.push_back(item.contains(key) ? cell_of(item[key]) : "-");
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace gpuscale::cli
