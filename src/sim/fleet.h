// SPDX-License-Identifier: Apache-2.0
/// The nodes of a simulated pool by what they do.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "sim/pool_model.h"

namespace gpuscale::sim {

/// SplitMix64 (Steele, Lea, Flood 2014): the boot times have to be the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  /// [0, 1), 53 bits.
  double uniform() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    z ^= z >> 31U;
    return static_cast<double>(z >> 11U) * 0x1.0p-53;
  }

 private:
  std::uint64_t state_;
};

class Fleet {
 public:
  /// Both outlive it; bounds and times may change between ticks.
  Fleet(const PoolParameters& parameters, Outcome& outcome)
      : parameters_(parameters),
        outcome_(outcome),
        random_(parameters.boot_seed),
        ready_(parameters.first_nodes) {}

  std::int64_t ready() const { return ready_; }
  std::int64_t booting() const { return static_cast<std::int64_t>(boots_.size()); }
  std::int64_t draining() const { return static_cast<std::int64_t>(drains_.size()); }
  std::int64_t parked() const { return static_cast<std::int64_t>(parked_.size()); }
  std::int64_t paid() const { return ready() + booting() + draining() + parked(); }

  void begin_tick(std::int64_t tick) {
    const std::size_t before = boots_.size();
    std::erase_if(boots_, [tick](std::int64_t ready_at) { return ready_at <= tick; });
    ready_ += static_cast<std::int64_t>(before - boots_.size());
    while (!drains_.empty() && drains_.front() <= tick) drains_.pop_front();
    const std::int64_t keep = parameters_.warm_seconds / parameters_.tick_seconds;
    while (!parked_.empty() && parked_.front() + keep <= tick) parked_.pop_front();
  }

  void resize(std::int64_t tick, std::int64_t want) {
    want = std::clamp(want, parameters_.min_nodes, parameters_.max_nodes);
    const std::int64_t size = ready_ + booting();
    if (want > size) launch(tick, want - size);
    if (want < size) remove(tick, size - want);
  }

 private:
  static constexpr std::int64_t kReversalSeconds = 600;

  std::int64_t boot_ticks() {
    if (parameters_.boot_model == BootModel::kFixed) {
      return parameters_.boot_seconds / parameters_.tick_seconds;
    }
    const double half = 0.5 * static_cast<double>(parameters_.boot_seconds);
    const double seconds = half - half * std::log(1.0 - random_.uniform());
    return std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::ceil(seconds / static_cast<double>(parameters_.tick_seconds))));
  }
  void launch(std::int64_t tick, std::int64_t count) {
    for (; count > 0 && !parked_.empty(); --count) {
      parked_.pop_back();
      ++ready_;
      ++outcome_.returns;
    }
    for (std::int64_t i = 0; i < count; ++i) boots_.push_back(tick + boot_ticks());
    outcome_.launches += count;
    ++outcome_.actions_out;
    note(tick, true);
  }
  /// The newest launch is called off first: it has served nobody yet, and its bill ends now.
  void remove(std::int64_t tick, std::int64_t count) {
    outcome_.removals += count;
    ++outcome_.actions_in;
    note(tick, false);
    while (count > 0 && !boots_.empty()) {
      boots_.pop_back();
      --count;
    }
    ready_ -= count;
    const std::int64_t ticks = parameters_.drain_seconds / parameters_.tick_seconds;
    if (parameters_.warm_nodes <= 0) {
      if (ticks > 0) drains_.insert(drains_.end(), static_cast<std::size_t>(count), tick + ticks);
      return;
    }
    parked_.insert(parked_.end(), static_cast<std::size_t>(count), tick);
    while (parked() > parameters_.warm_nodes) {
      const std::int64_t end = parked_.front() + ticks;
      parked_.pop_front();
      if (end > tick) drains_.push_back(end);
    }
  }
  void note(std::int64_t tick, bool out) {
    if (last_action_ && last_out_ != out &&
        (tick - *last_action_) * parameters_.tick_seconds <= kReversalSeconds) {
      ++outcome_.reversals;
    }
    last_action_ = tick;
    last_out_ = out;
  }

  const PoolParameters& parameters_;
  Outcome& outcome_;
  Random random_;
  std::int64_t ready_;
  std::vector<std::int64_t> boots_;  ///< the ticks at which they are ready, in order of launch
  std::deque<std::int64_t> drains_;  ///< the ticks at which they end
  std::deque<std::int64_t> parked_;  ///< the ticks of their release
  std::optional<std::int64_t> last_action_;
  bool last_out_ = false;
};

}  // namespace gpuscale::sim
