// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how many nodes the work of the latest period needed.
#pragma once
#include <cstdint>
#include <deque>

namespace gpuscale::policy {

/// Work may wait a little before anybody minds, so that a burst of seconds needs fewer nodes than its height:
/// over a window of W seconds the need is work / (W + slack), where the slack shrinks to nothing as the
/// window grows to kWholeWindow (a queue that never empties is no burst). The need of a period is the
/// greatest over all windows that end in it.
class CapacityNeed {
 public:
  static constexpr double kSlackSeconds = 10;
  static constexpr double kWholeWindow = 71;  ///< s

  /// One tick's work, in node-seconds.
  void add(double work, std::int64_t tick_seconds, std::int64_t longest_seconds);
  /// Of the ticks added since the last call; nodes.
  double take();
  /// Mean load over the latest `seconds`; nodes. 0 before the first tick.
  double mean(std::int64_t seconds) const;

 private:
  std::int64_t tick_seconds_ = 1;
  std::deque<double> total_{0.0};  ///< of all work up to each of the latest ticks
  double need_ = 0;
};

}  // namespace gpuscale::policy
