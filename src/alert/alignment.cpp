// SPDX-License-Identifier: Apache-2.0
#include "alert/alignment.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/duration.h"
#include "datasource/embedded_source.h"

namespace gpuscale::alert {
namespace {

constexpr std::string_view kClause = "time(";

/// The size of the bucket that an argument names; 0 where it names none.
Nanos bucket_of(std::string_view argument, Nanos window) {
  constexpr std::array<std::string_view, 4> kIntervals = {"$__interval", "${__interval}", "$interval",
                                                          "${interval}"};
  if (std::find(kIntervals.begin(), kIntervals.end(), argument) != kIntervals.end()) {
    return datasource::interval_of(window);
  }
  return base::parse_duration(argument).value_or(Nanos{0});
}

std::string_view inner_blanks_off(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

AlignedQuery align(const std::string& text, Nanos window, WallTime to) {
  AlignedQuery out{text, to - window, to};
  const std::string lower = base::to_lower(text);
  std::size_t group = lower.find("group by");
  std::size_t shift = 0;  // by what was put in so far
  while (group != std::string::npos) {
    const std::size_t clause = lower.find(kClause, group);
    if (clause == std::string::npos) break;
    const std::size_t begin = clause + kClause.size();
    const std::size_t end = lower.find(')', begin);
    if (end == std::string::npos) break;
    const std::string_view argument = inner_blanks_off(std::string_view(text).substr(begin, end - begin));
    const Nanos bucket = bucket_of(argument, window);
    if (bucket > Nanos{0}) {
      const std::int64_t offset = base::to_unix_nanos(to) % bucket.count();
      const std::string with = base::format_duration(bucket) + ", " + std::to_string(offset) + "ns";
      out.text.replace(begin + shift, end - begin, with);
      shift += with.size() - (end - begin);
      if (window >= bucket) out.from = std::max(out.from, to - window / bucket * bucket);
    }
    group = lower.find("group by", end);
  }
  return out;
}

}  // namespace gpuscale::alert
