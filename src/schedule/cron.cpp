// SPDX-License-Identifier: Apache-2.0
#include "schedule/cron.h"

#include <date/tz.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include "base/ascii.h"

namespace gpuscale::schedule {
namespace {

/// February 29 comes within eight years, also over a century that leaves it out.
constexpr int kMostDays = 366 * 9;
constexpr int kMinutesADay = 24 * 60;

struct Field {
  std::string_view what;
  int least;
  int most;
  std::string_view names;  ///< three letters each, beginning with `least`
};
constexpr std::array<Field, 5> kFields = {{{"minute", 0, 59, ""},
                                           {"hour", 0, 23, ""},
                                           {"day of the month", 1, 31, ""},
                                           {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                                           {"day of the week", 0, 7, "sunmontuewedthufrisat"}}};

struct Macro {
  std::string_view name;
  std::string_view meaning;
};
constexpr std::array<Macro, 7> kMacros = {{{"@hourly", "0 * * * *"},
                                           {"@daily", "0 0 * * *"},
                                           {"@midnight", "0 0 * * *"},
                                           {"@weekly", "0 0 * * 0"},
                                           {"@monthly", "0 0 1 * *"},
                                           {"@yearly", "0 0 1 1 *"},
                                           {"@annually", "0 0 1 1 *"}}};

std::vector<std::string_view> split(std::string_view text, std::string_view at) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(at), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::optional<int> number(std::string_view text, const Field& field) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && error == std::errc{} && end == text.data() + text.size()) return value;
  constexpr std::size_t kLetters = 3;
  if (text.size() != kLetters || field.names.empty()) return std::nullopt;
  const std::size_t found = field.names.find(base::to_lower(text));
  if (found == std::string_view::npos || found % kLetters != 0) return std::nullopt;
  return field.least + static_cast<int>(found / kLetters);
}

Error wrong(const Field& field, std::string_view item) {
  return fail(Errc::kInvalidArgument, "cron: the " + std::string(field.what) + " \"" + std::string(item) +
                                          "\" is none of " + std::to_string(field.least) + " to " +
                                          std::to_string(field.most) + ", as 5, 1-5, */15 or 1,15");
}

/// "*/15", "1-5", "9-17/2", "mon": marks what it means.
template <typename Mark>
Result<void> read_item(std::string_view item, const Field& field, const Mark& mark) {
  int step = 1;
  std::string_view range = item;
  const std::size_t slash = item.find('/');
  if (slash != std::string_view::npos) {
    const auto given = number(item.substr(slash + 1), {field.what, 1, field.most, ""});
    if (!given || *given < 1 || *given > field.most) return wrong(field, item);
    step = *given;
    range = item.substr(0, slash);
  }
  int low = field.least;
  int high = field.most;
  if (range != "*") {
    const std::size_t dash = range.find('-');
    const auto first = number(range.substr(0, dash), field);
    const auto last = dash == std::string_view::npos ? first : number(range.substr(dash + 1), field);
    if (!first || !last || *first < field.least || *last > field.most || *first > *last)
      return wrong(field, item);
    low = *first;
    // "5/15" means from 5 on.
    high = dash == std::string_view::npos && slash != std::string_view::npos ? field.most : *last;
  }
  for (int value = low; value <= high; value += step) mark(value);
  return {};
}

template <typename Mark>
Result<void> read_field(std::string_view text, const Field& field, const Mark& mark) {
  const auto items = split(text, ",");
  if (items.empty() || text.starts_with(',') || text.ends_with(',')) return wrong(field, text);
  for (const std::string_view item : items) GS_CHECK(read_item(item, field, mark));
  return {};
}

date::local_days day_of(int day) {
  return date::local_days{date::days{day}};
}

const date::time_zone& zone_of(const void* zone) {
  return *static_cast<const date::time_zone*>(zone);
}

}  // namespace

// --- zones
// -------------------------------------------------------------------------------------------------------

Result<Zone> Zone::named(const std::string& name) {
  // IANA names only: the library would follow a path.
  const bool plain =
      name.find("..") == std::string::npos && !name.starts_with('/') && name.size() < 64 &&
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_-+") ==
          std::string::npos;
  const Error unknown =
      fail(Errc::kNotFound, "no time zone \"" + name + "\"; write an IANA name such as Asia/Shanghai or UTC");
  if (!plain || name.empty()) return unknown;
  try {
    return Zone(name, date::locate_zone(name));
  } catch (const std::exception&) {
    return unknown;
  }
}

Zone::Local Zone::local(WallTime time) const {
  const auto shown = zone_of(zone_).to_local(date::floor<std::chrono::minutes>(time));
  const auto day = date::floor<date::days>(shown);
  return {static_cast<int>(day.time_since_epoch().count()), static_cast<int>((shown - day).count())};
}

WallTime Zone::moment(const Local& local) const {
  const auto shown = day_of(local.day) + std::chrono::minutes{local.minute};
  const auto info = zone_of(zone_).get_info(shown);
  if (info.result == date::local_info::nonexistent) return info.first.end;
  return WallTime{shown.time_since_epoch() - info.first.offset};
}

// --- cron
// --------------------------------------------------------------------------------------------------------

Result<Cron> Cron::parse(std::string_view text) {
  Cron cron;
  cron.text_ = std::string(text);
  const std::string lower = base::to_lower(text);
  const auto macro =
      std::find_if(kMacros.begin(), kMacros.end(), [&](const Macro& m) { return m.name == lower; });
  const auto fields = split(macro == kMacros.end() ? text : macro->meaning, " \t");
  if (fields.size() != kFields.size()) {
    return fail(Errc::kInvalidArgument,
                "cron: \"" + cron.text_ + "\" has " + std::to_string(fields.size()) +
                    " fields; it takes 5: minute hour day-of-month month day-of-week");
  }
  const auto at = [](int value) { return static_cast<std::size_t>(value); };
  GS_CHECK(read_field(fields[0], kFields[0], [&](int v) { cron.minutes_.set(at(v)); }));
  GS_CHECK(read_field(fields[1], kFields[1], [&](int v) { cron.hours_.set(at(v)); }));
  GS_CHECK(read_field(fields[2], kFields[2], [&](int v) { cron.days_.set(at(v)); }));
  GS_CHECK(read_field(fields[3], kFields[3], [&](int v) { cron.months_.set(at(v)); }));
  GS_CHECK(read_field(fields[4], kFields[4], [&](int v) { cron.weekdays_.set(at(v % 7)); }));
  cron.any_day_ = fields[2].starts_with('*');
  cron.any_weekday_ = fields[4].starts_with('*');
  for (int day = 0; day < kMostDays; ++day) {
    if (cron.runs_on(day)) return cron;
  }
  return fail(Errc::kInvalidArgument, "cron: \"" + cron.text_ + "\" never comes; no month has that day");
}

bool Cron::runs_on(int day) const {
  const date::year_month_day date{day_of(day)};
  if (!months_.test(static_cast<unsigned>(date.month()))) return false;
  const bool by_day = days_.test(static_cast<unsigned>(date.day()));
  const bool by_weekday = weekdays_.test(date::weekday{day_of(day)}.c_encoding());
  if (any_day_ || any_weekday_) return by_day && by_weekday;
  return by_day || by_weekday;
}

std::optional<WallTime> next_run(const Cron& cron, const Zone& zone, WallTime time) {
  const Zone::Local begin = zone.local(time);
  for (int day = begin.day - 1; day < begin.day + kMostDays; ++day) {
    if (!cron.runs_on(day)) continue;
    for (int minute = 0; minute < kMinutesADay; ++minute) {
      if (!cron.hours_.test(static_cast<std::size_t>(minute / 60))) continue;
      if (!cron.minutes_.test(static_cast<std::size_t>(minute % 60))) continue;
      // Moments never go back as local times go on, so the first that is later is the next.
      if (const WallTime moment = zone.moment({day, minute}); moment > time) return moment;
    }
  }
  return std::nullopt;
}

std::optional<WallTime> last_run(const Cron& cron, const Zone& zone, WallTime time) {
  const Zone::Local begin = zone.local(time);
  for (int day = begin.day + 1; day > begin.day - kMostDays; --day) {
    if (!cron.runs_on(day)) continue;
    for (int minute = kMinutesADay - 1; minute >= 0; --minute) {
      if (!cron.hours_.test(static_cast<std::size_t>(minute / 60))) continue;
      if (!cron.minutes_.test(static_cast<std::size_t>(minute % 60))) continue;
      if (const WallTime moment = zone.moment({day, minute}); moment <= time) return moment;
    }
  }
  return std::nullopt;
}

Result<WallTime> parse_local(std::string_view text, const Zone& zone) {
  int parts[5] = {};
  constexpr std::string_view kForm = "0000-00-00 00:00";
  bool good = text.size() == kForm.size();
  std::size_t part = 0;
  for (std::size_t i = 0; good && i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0') {
      good = digit;
      parts[part] = parts[part] * 10 + (text[i] - '0');
    } else {
      good = text[i] == kForm[i] || (kForm[i] == ' ' && text[i] == 'T');
      ++part;
    }
  }
  const auto date = date::year{parts[0]} / parts[1] / parts[2];
  good = good && date.ok() && parts[3] < 24 && parts[4] < 60 && parts[0] >= 1970 && parts[0] < 2200;
  if (!good) {
    return fail(Errc::kInvalidArgument,
                "\"" + std::string(text) + "\" is no local time; write it like 2026-12-01 08:00");
  }
  const auto day = date::local_days{date}.time_since_epoch().count();
  return zone.moment({static_cast<int>(day), parts[3] * 60 + parts[4]});
}

}  // namespace gpuscale::schedule
