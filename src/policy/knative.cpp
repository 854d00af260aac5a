// SPDX-License-Identifier: Apache-2.0
#include "policy/knative.h"

#include <algorithm>

#include "policy/window.h"

namespace gpuscale::policy {
namespace {

constexpr std::int64_t kStableSeconds = 60;
constexpr std::int64_t kPanicSeconds = 6;
constexpr double kPanicThreshold = 2.0;
constexpr std::int64_t kMaxScaleUp = 1000;

}  // namespace

double Kpa::concurrency(const PoolView& view, std::int64_t seconds) const {
  const std::int64_t ticks = std::max<std::int64_t>(1, (seconds + view.tick_seconds - 1) / view.tick_seconds);
  const std::int64_t begin = std::max<std::int64_t>(0, view.tick - ticks);
  const double served = sum(view, view.served, begin, view.tick) / static_cast<double>(view.tick_seconds);
  const double waiting = sum(view, view.backlog, begin, view.tick) / view.service_seconds;
  return (served + waiting) / static_cast<double>(view.tick - begin);
}

std::optional<std::int64_t> Kpa::decide(const PoolView& view) {
  // A revision that starts with several pods starts in panic, so that it keeps them.
  if (!started_ && view.ready > 1) {
    panic_since_ = 0;
    most_in_panic_ = view.ready;
  }
  started_ = true;
  const std::int64_t ready = std::max<std::int64_t>(1, view.ready);
  const std::int64_t for_panic = round_up(concurrency(view, kPanicSeconds) / options_.target);
  const std::int64_t least = ready / 2;
  const std::int64_t most = kMaxScaleUp * ready;
  std::int64_t want = std::clamp(round_up(concurrency(view, kStableSeconds) / options_.target), least, most);
  if (static_cast<double>(for_panic) / static_cast<double>(ready) >= kPanicThreshold) {
    panic_since_ = view.now();
  } else if (panic_since_ && *panic_since_ + kStableSeconds < view.now()) {
    panic_since_.reset();
    most_in_panic_ = 0;
  }
  if (panic_since_) {
    most_in_panic_ = std::max({most_in_panic_, want, std::clamp(for_panic, least, most)});
    want = most_in_panic_;
  }
  if (options_.scale_down_delay == 0) return want;
  while (!delayed_.empty() && delayed_.back().second <= want) delayed_.pop_back();
  delayed_.emplace_back(view.now(), want);
  while (delayed_.front().first <= view.now() - options_.scale_down_delay) delayed_.pop_front();
  return delayed_.front().second;
}

}  // namespace gpuscale::policy
