// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the buckets of a statement where they are all of one length. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/floor_division.h"
#include "influxql/window.h"

namespace gpuscale::influxql {

/// Buckets of one length side by side; one without end where the frame has none.
struct Grid {
  std::int64_t first = 0;  ///< start of the first bucket
  std::int64_t every = 0;  ///< 0: one bucket for all
  std::size_t count = 1;

  std::int64_t start(std::size_t bucket) const { return first + static_cast<std::int64_t>(bucket) * every; }
  std::int64_t end(std::size_t bucket) const { return start(bucket) + every; }
  std::size_t bucket_of(std::int64_t time) const {
    return every == 0 ? 0 : static_cast<std::size_t>((time - first) / every);
  }
  /// How far a bucket of `other` begins behind one of ours; from 0 to below our every.
  std::int64_t behind(const Grid& other) const { return base::floor_rest(other.first - first, every); }
};

/// Nothing where the buckets are not all of one length, or too many of all `groups` together: then another
/// way, whose memory follows the samples, is better.
std::optional<Grid> grid_of(const TimeFrame& frame, std::size_t groups);

}  // namespace gpuscale::influxql
