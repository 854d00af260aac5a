// SPDX-License-Identifier: Apache-2.0
#include "base/rfc3339.h"

#include <array>
#include <cstdio>

namespace gpuscale::base {
namespace {

using Days = std::chrono::sys_days;

Error bad_time(std::string_view text) {
  return fail(Errc::kInvalidArgument,
              "\"" + std::string(text) + "\" is not an RFC 3339 time; write it as 2026-11-24T02:15:36Z");
}

/// Reads exactly `digits` decimal digits at `pos` and moves on; -1 where there is no such number.
int take(std::string_view text, std::size_t& pos, std::size_t digits) {
  if (pos + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = text[pos + i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  pos += digits;
  return value;
}

bool skip(std::string_view text, std::size_t& pos, char wanted) {
  if (pos >= text.size() || text[pos] != wanted) return false;
  ++pos;
  return true;
}

}  // namespace

std::string format_rfc3339(WallTime t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const auto in_day = t - WallTime{day};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(in_day);
  const auto fraction = (in_day - seconds).count();
  const auto s = seconds.count();
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(s / 3600), static_cast<int>(s / 60 % 60), static_cast<int>(s % 60));
  std::string out = buffer.data();
  if (fraction != 0) {
    std::snprintf(buffer.data(), buffer.size(), ".%09lld", static_cast<long long>(fraction));
    out += buffer.data();
    while (out.back() == '0') out.pop_back();
  }
  return out + "Z";
}

std::string format_second(WallTime t) {
  return format_rfc3339(std::chrono::floor<std::chrono::seconds>(t));
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  std::size_t pos = 0;
  const int year = take(text, pos, 4);
  if (year < 0 || !skip(text, pos, '-')) return bad_time(text);
  const int month = take(text, pos, 2);
  if (month < 0 || !skip(text, pos, '-')) return bad_time(text);
  const int day = take(text, pos, 2);
  if (day < 0 || (!skip(text, pos, 'T') && !skip(text, pos, 't') && !skip(text, pos, ' ')))
    return bad_time(text);
  const int hour = take(text, pos, 2);
  if (hour < 0 || hour > 23 || !skip(text, pos, ':')) return bad_time(text);
  const int minute = take(text, pos, 2);
  if (minute < 0 || minute > 59 || !skip(text, pos, ':')) return bad_time(text);
  const int second = take(text, pos, 2);
  if (second < 0 || second > 59) return bad_time(text);
  std::int64_t fraction = 0;
  if (skip(text, pos, '.')) {
    std::int64_t unit = 100'000'000;
    std::size_t digits = 0;
    while (pos < text.size() && text[pos] >= '0' && text[pos] <= '9') {
      fraction += unit * (text[pos] - '0');
      unit /= 10;
      ++pos;
      if (++digits > 9) return bad_time(text);
    }
    if (digits == 0) return bad_time(text);
  }
  std::chrono::minutes offset{0};
  if (!skip(text, pos, 'Z') && !skip(text, pos, 'z')) {
    const bool minus = pos < text.size() && text[pos] == '-';
    if (!minus && !(pos < text.size() && text[pos] == '+')) return bad_time(text);
    ++pos;
    const int hours = take(text, pos, 2);
    if (hours < 0 || hours > 23 || !skip(text, pos, ':')) return bad_time(text);
    const int minutes = take(text, pos, 2);
    if (minutes < 0 || minutes > 59) return bad_time(text);
    offset = std::chrono::minutes{hours * 60 + minutes} * (minus ? -1 : 1);
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (pos != text.size() || !date.ok() || year < 1678 || year > 2261) return bad_time(text);
  return WallTime{Days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second} + Nanos{fraction} - offset;
}

}  // namespace gpuscale::base
