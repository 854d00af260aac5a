// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace gpuscale::base {
namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t nanos;
};

// Longest suffix first where one begins another ("ms" before "m").
constexpr std::array<Unit, 10> kUnits{{{"ns", 1},
                                       {"\u00b5s", 1'000},
                                       {"us", 1'000},
                                       {"u", 1'000},
                                       {"ms", 1'000'000},
                                       {"s", 1'000'000'000},
                                       {"m", 60'000'000'000},
                                       {"h", 3'600'000'000'000},
                                       {"d", 86'400'000'000'000},
                                       {"w", 604'800'000'000'000}}};

constexpr std::array<Unit, 8> kPrinted{{{"w", 604'800'000'000'000},
                                        {"d", 86'400'000'000'000},
                                        {"h", 3'600'000'000'000},
                                        {"m", 60'000'000'000},
                                        {"s", 1'000'000'000},
                                        {"ms", 1'000'000},
                                        {"us", 1'000},
                                        {"ns", 1}}};

Error bad_duration(std::string_view text) {
  return fail(
      Errc::kInvalidArgument,
      "\"" + std::string(text) + "\" is not a duration; write a number and a unit, as 30s, 5m or 1h30m");
}

}  // namespace

Result<Nanos> parse_duration(std::string_view text) {
  if (text == "0") return Nanos{0};
  if (text.empty()) return bad_duration(text);
  std::int64_t total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::int64_t count = 0;
    const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (ec != std::errc{} || count < 0) return bad_duration(text);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const Unit* found = nullptr;
    for (const Unit& unit : kUnits) {
      if (rest.starts_with(unit.suffix)) {
        found = &unit;
        break;
      }
    }
    if (found == nullptr) return bad_duration(text);
    std::int64_t part = 0;
    if (__builtin_mul_overflow(count, found->nanos, &part) || __builtin_add_overflow(total, part, &total)) {
      return fail(Errc::kInvalidArgument, "duration \"" + std::string(text) + "\" is longer than 292 years");
    }
    rest.remove_prefix(found->suffix.size());
  }
  return Nanos{total};
}

std::string format_duration(Nanos duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string out;
  std::uint64_t magnitude = static_cast<std::uint64_t>(left);
  if (left < 0) {
    out = "-";
    magnitude = ~magnitude + 1;
  }
  for (const Unit& unit : kPrinted) {
    const auto size = static_cast<std::uint64_t>(unit.nanos);
    if (magnitude < size) continue;
    out += std::to_string(magnitude / size);
    out += unit.suffix;
    magnitude %= size;
  }
  return out;
}

std::string format_left(Nanos left) {
  return format_duration(std::chrono::ceil<std::chrono::seconds>(std::max(left, Nanos{0})));
}

std::string format_passed(Nanos passed) {
  return format_duration(std::chrono::floor<std::chrono::seconds>(std::max(passed, Nanos{0})));
}

}  // namespace gpuscale::base
