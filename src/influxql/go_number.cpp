// SPDX-License-Identifier: Apache-2.0
#include "influxql/go_number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace gpuscale::influxql {

namespace {

/// "-1.25e+03": the shortest digits, C++'s exponent of at least two digits.
std::string scientific(double value) {
  std::array<char, 40> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  return {buffer.data(), error == std::errc() ? end : buffer.data()};
}

}  // namespace

std::string go_fixed(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : value < 0 ? "-Inf" : "+Inf";
  const std::string text = scientific(value);
  const std::size_t e = text.find('e');
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  // Digits before the point; 0 or less means zeros behind it.
  const int before = std::stoi(text.substr(e + 1)) + 1;
  std::string out = text.front() == '-' ? "-" : "";
  if (before <= 0) return out + "0." + std::string(static_cast<std::size_t>(-before), '0') + digits;
  const auto whole = static_cast<std::size_t>(before);
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0');
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

char* write_go_json_number(char* to, double value) {
  const auto copied = [to](std::string_view text) { return std::copy(text.begin(), text.end(), to); };
  const double size = std::fabs(value);
  if (!std::isfinite(value)) return copied("null");
  if (size == 0) return copied(std::signbit(value) ? "-0" : "0");
  if (size >= 1e-6 && size < 1e21) {
    // Whole numbers beyond 2^53 would print all their digits here and print zeros in Go.
    if (size < 9e15) return std::to_chars(to, to + kMostNumberBytes, value, std::chars_format::fixed).ptr;
    return copied(go_fixed(value));
  }
  std::string text = scientific(value);
  const std::size_t zero = text.find("e-0");
  if (zero != std::string::npos) text.erase(zero + 2, 1);
  return copied(text);
}

}  // namespace gpuscale::influxql
