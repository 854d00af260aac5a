// SPDX-License-Identifier: Apache-2.0
/// Counts reversals: a pool that shrank and grew again although its load had stayed what it was. One is a
/// mistake of the policy that its users pay for; the meter forbids the next and widens the band. Pure.
#pragma once
#include <optional>
#include <vector>

#include "scaling/pool_memory.h"

namespace gpuscale::scaling {

/// Load counts as flat while it moves by less than this share of itself.
constexpr double kFlatLoad = 0.15;
/// After a reversal nothing shrinks for so long, unless the load really falls.
constexpr Nanos kFlapRest = std::chrono::hours{1};
/// Each reversal of the last day narrows the ceiling of scale-in to this share of it, down to kNarrowest.
constexpr double kNarrowing = 0.9;
constexpr double kNarrowest = 0.6;

struct FlapMeter {
  int last_hour = 0;
  int last_day = 0;
  std::optional<WallTime> last;     ///< when the pool last grew back
  std::optional<double> last_work;  ///< the load then; absent = unknown
  double band = 1;                  ///< factor on the ceiling of scale-in

  /// Until when the pool may not shrink; absent = it may. `work` = the load now, absent = unknown.
  std::optional<WallTime> rests_until(std::optional<double> work, WallTime now) const;
};

/// Changes by hand are nobody's flapping.
FlapMeter measure_flaps(const std::vector<SizeChange>& changes, WallTime now);

}  // namespace gpuscale::scaling
