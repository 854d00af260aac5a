// SPDX-License-Identifier: Apache-2.0
#include "influxql/window.h"

#include <cstdlib>

namespace gpuscale::influxql {

namespace {

std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return b > 0 ? kMaxTime : kMinTime;
  return out;
}

}  // namespace

Window TimeFrame::window(std::int64_t t) const {
  if (!bucketed()) return {min, add(max, 1)};
  const std::int64_t every = interval.every_ns;
  t = add(t, -interval.offset_ns);
  const std::int64_t offset = zone.offset_at(t);
  std::int64_t rest = add(t, offset) % every;
  if (rest < 0) rest += every;
  Window out{};
  out.start = t <= add(kMinTime, rest) ? kMinTime : t - rest;
  out.start = add(out.start, interval.offset_ns);
  const std::int64_t left = every - rest;
  out.end = t >= kMaxTime - left ? kMaxTime : t + left;
  out.end = add(out.end, interval.offset_ns);
  if (zone.utc()) return out;
  // A change of the clocks inside the bucket moves its ends, unless the bucket is shorter than the change.
  const std::int64_t at_start = offset - zone.offset_at(out.start);
  if (at_start != 0 && std::abs(at_start) < every) out.start += at_start;
  const std::int64_t end_offset = zone.offset_at(out.end);
  const std::int64_t at_end = offset - end_offset;
  if (at_end != 0 && std::abs(at_end) < every) {
    if (at_end > 0 || zone.offset_at(out.end + at_end) == end_offset) out.end += at_end;
  }
  return out;
}

std::int64_t TimeFrame::row_time(std::int64_t t) const {
  const std::int64_t start = window(t).start;
  return start == kMinTime ? 0 : start;
}

std::uint64_t TimeFrame::buckets() const {
  if (!bucketed() || max < min) return 0;
  const std::int64_t first = window(min).start;
  const std::int64_t last = window(add(max, -1)).start;
  const auto span = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
  return last < first ? 0 : span / static_cast<std::uint64_t>(interval.every_ns) + 1;
}

}  // namespace gpuscale::influxql
