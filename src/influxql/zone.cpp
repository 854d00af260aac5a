// SPDX-License-Identifier: Apache-2.0
#include "influxql/zone.h"

#include <date/tz.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>

namespace gpuscale::influxql {

namespace {

/// IANA names only: the library would follow a path.
bool well_formed(std::string_view name) {
  return !name.empty() && name.size() < 64 && name.find("..") == std::string_view::npos &&
         name.front() != '/' &&
         std::all_of(
             name.begin(), name.end(),
             [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '/' || c == '_' || c == '-' || c == '+';
             });
}

const date::time_zone* find(std::string_view name) {
  if (!well_formed(name)) return nullptr;
  try {
    return date::locate_zone(std::string(name));
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace

bool zone_exists(std::string_view name) {
  return name.empty() || name == "UTC" || find(name) != nullptr;
}

Zone::Zone(std::string_view name) : zone_(name.empty() || name == "UTC" ? nullptr : find(name)) {}

std::int64_t Zone::offset_at(std::int64_t unix_ns) const {
  if (zone_ == nullptr) return 0;
  const auto* zone = static_cast<const date::time_zone*>(zone_);
  const std::chrono::sys_time<std::chrono::nanoseconds> at{std::chrono::nanoseconds{unix_ns}};
  const auto info = zone->get_info(std::chrono::floor<std::chrono::seconds>(at));
  return std::chrono::nanoseconds(info.offset).count();
}

std::int64_t Zone::to_utc(std::int64_t local_ns) const {
  if (zone_ == nullptr) return local_ns;
  // Two guesses suffice: offsets change by hours, and not twice within a day.
  const std::int64_t first = local_ns - offset_at(local_ns);
  return local_ns - offset_at(first);
}

}  // namespace gpuscale::influxql
