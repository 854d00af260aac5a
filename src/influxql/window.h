// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the buckets of GROUP BY time, aligned to the epoch or to local midnight. Pure.
#pragma once
#include <cstdint>

#include "influxql/condition.h"
#include "influxql/select_check.h"
#include "influxql/zone.h"

namespace gpuscale::influxql {

/// From start to before end.
struct Window {
  std::int64_t start;
  std::int64_t end;
};

/// The times and the order in which a statement runs.
struct TimeFrame {
  std::int64_t min = kMinTime;
  std::int64_t max = kMaxTime;         ///< inclusive
  std::int64_t first_read = kMinTime;  ///< samples before it are not looked at, however open the range is
  GroupInterval interval;
  Zone zone;
  bool ascending = true;

  bool bucketed() const { return interval.every_ns != 0; }
  /// The bucket of `t`; the whole range where there are no buckets.
  Window window(std::int64_t t) const;
  /// What a row of this bucket shows as its time: an open start shows as 0.
  std::int64_t row_time(std::int64_t t) const;
  /// How many buckets lie in the range; meaningful with a lower bound only.
  std::uint64_t buckets() const;
};

}  // namespace gpuscale::influxql
