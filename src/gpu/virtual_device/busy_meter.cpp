// SPDX-License-Identifier: Apache-2.0
#include "gpu/virtual_device/busy_meter.h"

#include <algorithm>

namespace gpuscale::gpu {
namespace {

double percent(Nanos busy, Nanos elapsed) {
  const double share = 100.0 * static_cast<double>(busy.count()) / static_cast<double>(elapsed.count());
  return std::clamp(share, 0.0, 100.0);
}

}  // namespace

void BusyMeter::begin(MonoTime now) {
  advance(now);
  busy_ = true;
}

void BusyMeter::end(MonoTime now) {
  advance(now);
  busy_ = false;
}

void BusyMeter::advance(MonoTime now) {
  if (now <= seen_) return;
  if (busy_) {
    interval_busy_ += now - seen_;
    total_busy_ += now - seen_;
  }
  const auto add = [this](Nanos span) {
    if (busy_) slot_busy_ += span;
  };
  const MonoTime slot_end = slot_start_ + sub_window_;
  if (now < slot_end) {
    add(now - seen_);
    seen_ = now;
    return;
  }
  add(slot_end - seen_);
  peak_ = std::max(peak_, percent(slot_busy_, sub_window_));
  has_peak_ = true;
  // Whole slots between are all busy or all idle: one step, however many there are.
  const auto whole = (now - slot_end) / sub_window_;
  if (whole > 0 && busy_) peak_ = 100.0;
  slot_start_ = slot_end + whole * sub_window_;
  slot_busy_ = busy_ ? now - slot_start_ : Nanos{0};
  seen_ = now;
}

Utilization BusyMeter::read(MonoTime now) {
  advance(now);
  const Nanos elapsed = now - read_at_;
  Utilization utilization;
  if (elapsed > Nanos{0}) {
    utilization.mean = percent(interval_busy_, elapsed);
    const Nanos rest = now - slot_start_;
    if (rest * 2 >= sub_window_) {
      peak_ = std::max(peak_, percent(slot_busy_, rest));
      has_peak_ = true;
    }
    utilization.peak = has_peak_ ? std::max(peak_, *utilization.mean) : *utilization.mean;
    read_at_ = now;
    slot_start_ = now;
    slot_busy_ = Nanos{0};
    interval_busy_ = Nanos{0};
    peak_ = 0;
    has_peak_ = false;
  }
  return utilization;
}

}  // namespace gpuscale::gpu
