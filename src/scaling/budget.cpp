// SPDX-License-Identifier: Apache-2.0
#include "scaling/budget.h"

#include <algorithm>
#include <limits>

namespace gpuscale::scaling {
namespace {

using std::chrono::days;

double hours_between(WallTime from, WallTime to) {
  return std::max(std::chrono::duration<double, std::ratio<3600>>(to - from).count(), 0.0);
}

}  // namespace

WallTime period_start(WallTime now, pool::BudgetPeriod period) {
  const auto today = std::chrono::floor<days>(now);
  if (period == pool::BudgetPeriod::kWeek) {
    const std::chrono::weekday weekday(today);
    return today - (weekday - std::chrono::Monday);
  }
  if (period == pool::BudgetPeriod::kMonth) {
    const std::chrono::year_month_day date(today);
    return std::chrono::sys_days(date.year() / date.month() / 1);
  }
  return today;
}

WallTime period_end(WallTime now, pool::BudgetPeriod period) {
  const WallTime start = period_start(now, period);
  if (period == pool::BudgetPeriod::kDay) return start + days{1};
  if (period == pool::BudgetPeriod::kWeek) return start + days{7};
  const std::chrono::year_month_day date(std::chrono::floor<days>(start));
  return std::chrono::sys_days((date.year() / date.month() + std::chrono::months{1}) / 1);
}

Usage count_usage(Usage usage, int gpus, WallTime now, pool::BudgetPeriod period, int parked) {
  const WallTime start = period_start(now, period);
  if (usage.counted_until == WallTime{}) usage = {start, now, 0, 0};  // the pool has only just begun
  if (start > usage.period_start) {
    usage.period_start = start;
    usage.gpu_hours = usage.parked_gpu_hours = 0;
  }
  const double hours = hours_between(std::max(usage.counted_until, start), now);
  usage.gpu_hours += gpus * hours;
  usage.parked_gpu_hours += parked * hours;
  usage.counted_until = std::max(usage.counted_until, now);
  return usage;
}

BudgetView view_budget(const pool::BudgetSpec& spec, const Usage& usage, int gpus, WallTime now) {
  BudgetView view;
  view.used_gpu_hours = usage.gpu_hours;
  view.parked_gpu_hours = usage.parked_gpu_hours;
  view.used_money = usage.gpu_hours * spec.price_per_gpu_hour;
  view.ends = period_end(now, spec.period);
  double limit = std::numeric_limits<double>::infinity();
  if (spec.gpu_hours > 0) limit = spec.gpu_hours;
  if (spec.money > 0 && spec.price_per_gpu_hour > 0)
    limit = std::min(limit, spec.money / spec.price_per_gpu_hour);
  view.limited = limit < std::numeric_limits<double>::infinity();
  if (!view.limited) return view;
  view.limit_gpu_hours = limit;
  const double left = limit - usage.gpu_hours;
  view.exhausted = left <= 0;
  if (view.exhausted) {
    view.exhausted_at = now;
  } else if (gpus > 0 && left / gpus < hours_between(now, view.ends)) {
    view.exhausted_at =
        now + std::chrono::duration_cast<Nanos>(std::chrono::duration<double, std::ratio<3600>>(left / gpus));
  }
  return view;
}

}  // namespace gpuscale::scaling
