// SPDX-License-Identifier: Apache-2.0
/// GPU-hours and money of a pool per day, week or month (UTC), and when they will be used up. Pure.
#pragma once
#include <optional>
#include <string>

#include "pool/node.h"
#include "scaling/pool_memory.h"

namespace gpuscale::scaling {

/// 00:00 UTC of the day, of the week's Monday, of the month's first.
WallTime period_start(WallTime now, pool::BudgetPeriod period);
WallTime period_end(WallTime now, pool::BudgetPeriod period);

/// Usage once `gpus`, of them `parked`, have run from usage.counted_until to `now`; a new period begins with
/// the part of it that has passed. A clock set back counts nothing twice.
Usage count_usage(Usage usage, int gpus, WallTime now, pool::BudgetPeriod period, int parked = 0);

struct BudgetView {
  bool limited = false;
  double used_gpu_hours = 0;
  double parked_gpu_hours = 0;  ///< of these
  double limit_gpu_hours = 0;   ///< the stricter of hours and money, in hours
  double used_money = 0;
  WallTime ends;  ///< of the period
  bool exhausted = false;
  std::optional<WallTime> exhausted_at;  ///< at the present rate, where that is before the period's end
};
BudgetView view_budget(const pool::BudgetSpec& spec, const Usage& usage, int gpus, WallTime now);

}  // namespace gpuscale::scaling
