// SPDX-License-Identifier: Apache-2.0
/// How long to wait before trying again. Pure.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace gpuscale::base {

struct BackOff {
  Nanos first;
  Nanos longest;
  double spread = 0.2;  ///< of the wait, to either side: many that failed at once must not come back at once
};

/// The wait after `failures` failures in a row before this one (0 = this is the first): `first` doubled with
/// each, up to `longest`, spread by where `dice` falls in 0..1.
inline Nanos wait_after(const BackOff& plan, int failures, double dice) {
  Nanos wait = plan.first;
  for (int i = 0; i < failures && wait < plan.longest; ++i) wait *= 2;
  const double factor = 1 - plan.spread + 2 * plan.spread * dice;
  return Nanos{static_cast<std::int64_t>(static_cast<double>(std::min(wait, plan.longest).count()) * factor)};
}

}  // namespace gpuscale::base
