// SPDX-License-Identifier: Apache-2.0
/// Letters as protocols and languages of programs know them, whatever the locale.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace gpuscale::base {

/// A-Z become a-z; every other byte stays.
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

/// 0 to 15; empty where it is no hexadecimal digit.
constexpr std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

}  // namespace gpuscale::base
