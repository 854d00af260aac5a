// SPDX-License-Identifier: Apache-2.0
#include "policy/knative.h"

#include <algorithm>

#include "policy/window.h"
#include "policy/words.h"

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
  const double in_panic_window = concurrency(view, kPanicSeconds);
  const double in_stable_window = concurrency(view, kStableSeconds);
  const std::int64_t for_panic = round_up(in_panic_window / options_.target);
  const std::int64_t least = ready / 2;
  const std::int64_t most = kMaxScaleUp * ready;
  std::int64_t want = std::clamp(round_up(in_stable_window / options_.target), least, most);
  steps_ = {.stable = in_stable_window, .panic = in_panic_window, .advised = want, .now = view.now()};
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
  steps_.most = steps_.want = want;
  if (options_.scale_down_delay == 0) return want;
  while (!delayed_.empty() && delayed_.back().second <= want) delayed_.pop_back();
  delayed_.emplace_back(view.now(), want);
  while (delayed_.front().first <= view.now() - options_.scale_down_delay) delayed_.pop_front();
  return steps_.want = delayed_.front().second;
}

Evidence Kpa::evidence() const {
  return {.value = steps_.stable, .target = options_.target, .window_seconds = kStableSeconds};
}

std::string Kpa::reason() const {
  if (!started_) return {};
  std::string out = "a concurrency of " + work_of(steps_.stable) + " over " + span_of(kStableSeconds) +
                    " and " + number_of(steps_.panic) + " over " + span_of(kPanicSeconds) + ", target " +
                    number_of(options_.target) + " a node: " + std::to_string(steps_.advised) + " wanted";
  if (panic_since_)
    out += ", but it panicked " + span_of(steps_.now - *panic_since_) + " ago and keeps " +
           std::to_string(steps_.most);
  if (steps_.want > steps_.most) out += ", but " + wanted_within(steps_.want, options_.scale_down_delay);
  return out;
}

}  // namespace gpuscale::policy
