// SPDX-License-Identifier: Apache-2.0
#include "influxql/go_number.h"

#include <array>
#include <charconv>
#include <cmath>

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

std::string go_json_number(double value) {
  if (!std::isfinite(value)) return "null";
  const double size = std::fabs(value);
  if (size == 0) return std::signbit(value) ? "-0" : "0";
  if (size >= 1e-6 && size < 1e21) return go_fixed(value);
  std::string out = scientific(value);
  const std::size_t zero = out.find("e-0");
  if (zero != std::string::npos) out.erase(zero + 2, 1);
  return out;
}

}  // namespace gpuscale::influxql
