// SPDX-License-Identifier: Apache-2.0
#include "influxql/bucket_grid.h"

#include <algorithm>

namespace gpuscale::influxql {

std::optional<Grid> grid_of(const TimeFrame& frame, std::size_t groups) {
  constexpr std::size_t kMost = 4'000'000;
  if (!frame.bucketed()) return Grid{};
  if (!frame.zone.utc() || frame.min == kMinTime || frame.max == kMaxTime || frame.min > frame.max)
    return std::nullopt;
  const std::int64_t first = frame.window(frame.min).start;
  const std::int64_t last = frame.window(frame.max).start;
  std::int64_t span = 0;
  if (__builtin_sub_overflow(last, first, &span) || first == kMinTime ||
      frame.window(frame.max).end == kMaxTime)
    return std::nullopt;
  const auto count = static_cast<std::size_t>(span / frame.interval.every_ns) + 1;
  if (count > kMost / std::max<std::size_t>(groups, 1)) return std::nullopt;
  return Grid{first, frame.interval.every_ns, count};
}

}  // namespace gpuscale::influxql
