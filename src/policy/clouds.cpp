// SPDX-License-Identifier: Apache-2.0
#include "policy/clouds.h"

#include <algorithm>
#include <vector>

#include "policy/window.h"

namespace gpuscale::policy {
namespace {

constexpr std::int64_t kCooldownSeconds = 300;

struct Points {
  double newest = 0;
  double least = 0;
  double most = 0;
};

/// The mean utilisation of each of the last `count` minutes; nullopt before there are so many.
std::optional<Points> minutes(const PoolView& view, std::int64_t count) {
  const std::int64_t ticks = std::max<std::int64_t>(1, 60 / view.tick_seconds);
  if (view.tick < count * ticks) return std::nullopt;
  Points points;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t end = view.tick - i * ticks;
    const double mean = sum(view, view.utilization, end - ticks, end) / static_cast<double>(ticks);
    if (i == 0) points = {mean, mean, mean};
    points.least = std::min(points.least, mean);
    points.most = std::max(points.most, mean);
  }
  return points;
}

bool cooled(const std::optional<std::int64_t>& last, std::int64_t now) {
  return !last || now - *last >= kCooldownSeconds;
}

Evidence evidence_of(const std::optional<Points>& points, std::int64_t count, double target) {
  if (!points) return {.target = target};
  return {.value = points->newest, .target = target, .window_seconds = 60 * count};
}

/// "utilisation in each of 3 minutes 61.0% to 64.0%, the newest 62.0%".
std::string words_of(const Points& points, std::int64_t count) {
  return "utilisation in each of " + std::to_string(count) + " minutes " + percent_of(points.least) + " to " +
         percent_of(points.most) + ", the newest " + percent_of(points.newest);
}

std::string goal_of(double target) {
  return ", target " + percent_of(target) + ": ";
}

std::string rests(std::int64_t since) {
  return "rests for " + span_of(kCooldownSeconds - since) + " more since it took nodes away";
}

/// What AWS's alarm for fewer nodes looks at, where the one for more is silent.
struct LowAlarm {
  std::optional<Points> recent;  ///< as the alarm for more sees it
  std::int64_t recent_minutes;
  std::optional<Points> points;
  std::int64_t minutes;
  double target;
  double low;

  bool fires() const { return points && points->most < low; }
  std::string saw() const {
    if (points) return words_of(*points, minutes) + goal_of(target);
    return recent ? words_of(*recent, recent_minutes) + goal_of(target) : "";
  }
  std::string why_not() const {
    if (!points)
      return saw() + "has not seen " + std::to_string(minutes) +
             " minutes yet, before which it takes none away";
    return saw() + "neither " + std::to_string(recent_minutes) + " minutes over it nor " +
           std::to_string(minutes) + " under " + percent_of(low) + ", stays";
  }
};

}  // namespace

std::optional<std::int64_t> AwsTargetTracking::decide(const PoolView& view) {
  const auto ready = static_cast<double>(view.ready);
  const auto recent = minutes(view, 3);
  evidence_ = evidence_of(recent, 3, target_);
  if (recent && recent->least > target_) {
    const std::int64_t want = std::max(view.size(), round_up(ready * recent->newest / target_));
    reason_ = [recent = *recent, target = target_, want] {
      return words_of(recent, 3) + goal_of(target) + std::to_string(want) + " wanted";
    };
    return want;
  }
  const LowAlarm alarm{recent, 3, minutes(view, 15), 15, target_, 0.9 * target_};
  if (!alarm.fires()) {
    reason_ = [alarm] { return alarm.why_not(); };
    return std::nullopt;
  }
  if (view.booting > 0) {
    reason_ = [alarm] { return alarm.saw() + "takes none away while nodes boot"; };
    return std::nullopt;
  }
  if (!cooled(last_in_, view.now())) {
    reason_ = [alarm, since = view.now() - *last_in_] { return alarm.saw() + rests(since); };
    return std::nullopt;
  }
  const std::int64_t want = round_up(ready * alarm.points->most / target_);
  reason_ = [alarm, want] { return alarm.saw() + std::to_string(want) + " would do"; };
  if (want >= view.size()) return std::nullopt;
  last_in_ = view.now();
  return want;
}

std::optional<std::int64_t> AwsStep::decide(const PoolView& view) {
  const auto recent = minutes(view, 2);
  evidence_ = evidence_of(recent, 2, target_);
  if (recent && recent->least > target_) {
    const double breach = (recent->newest - target_) * 100;
    const double share = breach < 10 ? 0.1 : breach < 20 ? 0.2 : 0.3;
    const auto step = static_cast<std::int64_t>(static_cast<double>(view.ready) * share);
    const std::int64_t want = std::max(view.size(), view.ready + std::max<std::int64_t>(1, step));
    reason_ = [recent = *recent, target = target_, want, share] {
      return words_of(recent, 2) + goal_of(target) + std::to_string(want) + " wanted, " +
             number_of(100 * share) + "% more than are ready";
    };
    return want;
  }
  const LowAlarm alarm{recent, 2, minutes(view, 5), 5, target_, 0.6 * target_};
  if (!alarm.fires()) {
    reason_ = [alarm] { return alarm.why_not(); };
    return std::nullopt;
  }
  if (!cooled(last_in_, view.now())) {
    reason_ = [alarm, since = view.now() - *last_in_] { return alarm.saw() + rests(since); };
    return std::nullopt;
  }
  last_in_ = view.now();
  const auto step =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(view.size()) * 0.1));
  reason_ = [alarm, step] {
    return alarm.saw() + "5 minutes under " + percent_of(alarm.low) + ", " + std::to_string(step) + " fewer";
  };
  return view.size() - step;
}

std::optional<std::int64_t> GoogleMig::decide(const PoolView& view) {
  constexpr std::int64_t kStabilizationSeconds = 600;
  const std::int64_t ticks = std::max<std::int64_t>(1, 60 / view.tick_seconds);
  const std::int64_t begin = std::max<std::int64_t>(0, view.tick - ticks);
  const double mean = sum(view, view.utilization, begin, view.tick) / static_cast<double>(view.tick - begin);
  while (!recommended_.empty() && recommended_.front().first <= view.now() - kStabilizationSeconds) {
    recommended_.pop_front();
  }
  const std::int64_t now_advised = round_up(static_cast<double>(view.ready) * mean / target_);
  recommended_.emplace_back(view.now(), now_advised);
  const std::int64_t want =
      std::max_element(recommended_.begin(), recommended_.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      })->second;
  evidence_ = {.value = mean, .target = target_, .window_seconds = 60};
  reason_ = [mean, ready = view.ready, target = target_, now_advised, want] {
    return "utilisation " + percent_of(mean) + " of " + nodes_of(ready) + " over " + span_of(60) +
           goal_of(target) + std::to_string(now_advised) +
           (want > now_advised ? " would do, but " + wanted_within(want, kStabilizationSeconds) : " wanted");
  };
  return want;
}

}  // namespace gpuscale::policy
