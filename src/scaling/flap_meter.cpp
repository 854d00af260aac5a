// SPDX-License-Identifier: Apache-2.0
#include "scaling/flap_meter.h"

#include <algorithm>

namespace gpuscale::scaling {
namespace {

/// Load that nobody measured cannot excuse a reversal.
bool is_flat(std::optional<double> before, std::optional<double> after) {
  if (!before || !after) return true;
  return *after - *before <= kFlatLoad * std::max(*before, *after);
}

}  // namespace

FlapMeter measure_flaps(const std::vector<SizeChange>& changes, WallTime now) {
  FlapMeter meter;
  const SizeChange* before = nullptr;
  for (const SizeChange& change : changes) {
    if (change.by_hand || change.to == change.from) {
      before = nullptr;
      continue;
    }
    const bool grew = change.to > change.from;
    const bool reversal = grew && before != nullptr && before->to < before->from &&
                          change.at - before->at <= kFlapRest && is_flat(before->work, change.work);
    // A stamp ahead of now comes from a clock that has been set back.
    if (reversal && change.at <= now && now - change.at <= kSizeChangeLife) {
      ++meter.last_day;
      if (now - change.at <= kFlapRest) ++meter.last_hour;
      meter.last = change.at;
      meter.last_work = change.work;
      meter.band = std::max(meter.band * kNarrowing, kNarrowest);
    }
    before = &change;
  }
  return meter;
}

std::optional<WallTime> FlapMeter::rests_until(std::optional<double> work, WallTime now) const {
  if (!last || now >= *last + kFlapRest) return std::nullopt;
  const bool fallen = work && last_work && *work < (1 - kFlatLoad) * *last_work;
  return fallen ? std::nullopt : std::optional(*last + kFlapRest);
}

}  // namespace gpuscale::scaling
