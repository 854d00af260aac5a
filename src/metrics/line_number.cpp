// SPDX-License-Identifier: Apache-2.0
#include "metrics/line_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

namespace gpuscale::metrics {
namespace {

constexpr int kMaxQuickDigits = 18;                       // fit an int64 whatever they are
constexpr std::uint64_t kMaxExactMantissa = 1ULL << 53U;  // every integer up to here is a double
constexpr std::array<double, 19> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}

}  // namespace

const char* quick_number(const char* first, const char* last, FieldValueView& value) {
  const char* p = first;
  const bool negative = p != last && *p == '-';
  if (negative) ++p;
  const char* const digits_begin = p;
  std::uint64_t mantissa = 0;
  while (p != last && is_digit(*p)) mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
  auto digits = p - digits_begin;
  if (p != last && *p == 'i') {
    if (digits == 0 || digits > kMaxQuickDigits) return nullptr;
    const auto integer = static_cast<std::int64_t>(mantissa);
    value = negative ? -integer : integer;
    return p + 1;
  }
  std::size_t fraction = 0;
  if (p != last && *p == '.') {
    const char* const fraction_begin = ++p;
    while (p != last && is_digit(*p)) mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
    fraction = static_cast<std::size_t>(p - fraction_begin);
    digits += p - fraction_begin;
  }
  if (digits == 0 || digits > kMaxQuickDigits || mantissa > kMaxExactMantissa) return nullptr;
  double number = static_cast<double>(mantissa);
  // Both operands are exact doubles, so the one rounding of the division is the right one.
  if (fraction > 0) number /= kPowersOfTen[fraction];
  value = negative ? -number : number;
  return p;
}

std::optional<std::int64_t> quick_integer(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kMaxQuickDigits) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

std::optional<double> exact_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc()) return value;
  if (error != std::errc::result_out_of_range) return std::nullopt;
  // from_chars calls too large and too small alike; only the first is an error.
  value = std::strtod(std::string(text).c_str(), nullptr);
  if (std::isinf(value)) return std::nullopt;
  return value;
}

}  // namespace gpuscale::metrics
