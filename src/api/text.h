// SPDX-License-Identifier: Apache-2.0
/// The few questions that HTTP text needs answered everywhere in this room. ASCII only, as header fields are.
#pragma once
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii.h"
#include "base/name_list.h"

namespace gpuscale::api {

using base::equal_ignoring_case;
using base::joined;
using base::known_names;

inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// The media type of a Content-Type or Accept field: without parameters, as written.
inline std::string_view media_type(std::string_view field) {
  return trimmed(field.substr(0, field.find(';')));
}

/// Decimal digits only: no sign, no blank, no exponent; nullopt also on overflow.
template <typename Int>
std::optional<Int> parse_digits(std::string_view text) {
  Int value{};
  if (text.empty() || text.front() == '-' || text.front() == '+') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace gpuscale::api
