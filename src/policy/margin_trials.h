// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how wide a margin a pool's own load asks for.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "policy/state_text.h"

namespace gpuscale::policy {

/// The same share of errors left uncovered loses little of one load and much of another. So several margins,
/// each leaving 1.6 times as much uncovered as the one before, live through the load side by side, each in a
/// pool of its own that is only reckoned: what would have come too late with it counts against it, and fades
/// in two weeks. Best is the narrowest with which
///   - no more is expected to come too late than the pool may lose, or
///   - hardly more than with the widest: what no margin saves is no reason to pay for one.
/// To begin with a margin is believed to lose so much as is usual for it; that belief weighs as much as a day
/// seen. Before a whole day has been seen, the middle one is best: a load's worst hour comes once a day.
class MarginTrials {
 public:
  static constexpr std::size_t kCount = 8;
  static constexpr std::size_t kFirst = 3;  ///< best until more is known

  /// @param uncovered the share of errors that margin kFirst leaves uncovered; what may be lost is in
  /// proportion
  explicit MarginTrials(double uncovered) : uncovered_(uncovered) {}

  /// Of the share that margin kFirst leaves uncovered.
  static double scale(std::size_t margin);

  /// What the latest period brought; before the plans of this one.
  /// @param work node-seconds
  /// @param ready nodes of the real pool, for margins without a plan yet
  void live(double work, double seconds, std::int64_t ready);
  /// The size that a margin wants from now on: nodes are there one boot time later, and go at once.
  void plan(std::size_t margin, std::int64_t now, std::int64_t nodes, std::int64_t boot_seconds);

  std::size_t best() const;
  /// The share of the work, 0..1, that comes too late with this margin, by what was seen.
  double late(std::size_t margin) const;
  bool sure() const;  ///< a whole day has been seen

  /// As of the latest plan; absent plans are the real pool's business.
  std::int64_t planned(std::size_t margin, std::int64_t otherwise) const;
  double ready(std::size_t margin, std::int64_t otherwise) const;
  double waiting(std::size_t margin) const { return trials_[margin].waiting; }

  void write(StateWriter& out) const;
  /// kInvalidArgument leaves it as it was.
  Result<void> read(StateReader& in);

 private:
  struct Plan {
    std::int64_t at;
    std::int64_t nodes;
  };
  struct Trial {
    std::deque<Plan> plans;  ///< of the latest boot time, without those that a later, smaller one undoes
    double waiting = 0;      ///< node-seconds
    double late = 0;         ///< node-seconds, fading
  };
  double believed(std::size_t margin) const;

  double uncovered_;
  std::array<Trial, kCount> trials_;
  double seconds_ = 0;  ///< seen, fading
  double work_ = 0;     ///< seen, fading; node-seconds
};

}  // namespace gpuscale::policy
