// SPDX-License-Identifier: Apache-2.0
#include "influxql/durations.h"

#include <array>
#include <utility>

namespace gpuscale::influxql {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t ns;
};

constexpr std::array<Unit, 8> kUnits{{{"w", 604'800'000'000'000},
                                      {"d", 86'400'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000},
                                      {"u", 1'000},
                                      {"ns", 1}}};

/// Takes the unit at the start of `text`; 0 where there is none.
std::int64_t take_unit(std::string_view& text) {
  std::int64_t ns = 0;
  std::size_t length = 0;
  if (text.starts_with("\u00b5")) {
    ns = 1'000;
    length = 2;
  } else {
    for (const Unit& unit : kUnits) {
      if (text.starts_with(unit.name) && unit.name.size() > length) {
        ns = unit.ns;
        length = unit.name.size();
      }
    }
  }
  text.remove_prefix(length);
  return ns;
}

std::string fraction(std::uint64_t value, std::uint64_t unit) {
  std::string out = std::to_string(value / unit);
  std::uint64_t rest = value % unit;
  if (rest == 0) return out;
  out += '.';
  for (unit /= 10; rest > 0; unit /= 10) {
    out += static_cast<char>('0' + static_cast<char>(rest / unit));
    rest %= unit;
  }
  return out;
}

}  // namespace

std::optional<std::int64_t> parse_influx_duration(std::string_view text, bool& overflowed) {
  overflowed = false;
  if (text == "0" || text == "0s") return 0;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t count = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      overflowed |= __builtin_mul_overflow(count, 10, &count) ||
                    __builtin_add_overflow(count, text[digits] - '0', &count);
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    const std::int64_t unit = take_unit(text);
    if (unit == 0) return std::nullopt;
    overflowed |= __builtin_mul_overflow(count, unit, &count) || __builtin_add_overflow(total, count, &total);
  }
  if (overflowed) return std::nullopt;
  return negative ? -total : total;
}

std::string print_influx_duration(std::int64_t ns) {
  if (ns == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (ns % unit.ns == 0) return std::to_string(ns / unit.ns) + std::string(unit.name);
  }
  return std::to_string(ns) + "ns";
}

std::string print_go_duration(std::int64_t ns) {
  if (ns == 0) return "0s";
  const std::string sign = ns < 0 ? "-" : "";
  const std::uint64_t value = ns < 0 ? ~static_cast<std::uint64_t>(ns) + 1 : static_cast<std::uint64_t>(ns);
  if (value < 1'000) return sign + std::to_string(value) + "ns";
  if (value < 1'000'000) return sign + fraction(value, 1'000) + "\u00b5s";
  if (value < 1'000'000'000) return sign + fraction(value, 1'000'000) + "ms";
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t minutes = value / (60 * kSecond);
  std::string out = fraction(value % (60 * kSecond), kSecond) + "s";
  if (minutes > 0) out.insert(0, std::to_string(minutes % 60) + "m");
  if (minutes >= 60) out.insert(0, std::to_string(minutes / 60) + "h");
  return sign + out;
}

}  // namespace gpuscale::influxql
