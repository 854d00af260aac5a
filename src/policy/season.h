// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what a load was at each time of the day, or of the week.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "policy/state_text.h"

namespace gpuscale::policy {

/// A load's root (of nodes, since its noise grows like its root) at each time of a cycle, in bins of five
/// minutes. What was more than in the cycles before counts at once, what was less only in part: a step that
/// comes a little earlier or higher each day is expected at its earliest and highest, and an outage is no
/// quiet day. Times are seconds since 1970, and cycles begin with them: what follows a local clock comes at
/// another time after that clock is changed.
class Season {
 public:
  static constexpr std::int64_t kDaySeconds = 86'400;
  static constexpr std::int64_t kWeekSeconds = 7 * kDaySeconds;

  explicit Season(std::int64_t cycle_seconds);

  /// What came in a time that began `at`; times ascend. A bin is remembered when the next one is over, so
  /// that nothing is expected because it is just happening, and where half of its time at least was seen.
  /// @param work node-seconds
  void add(std::int64_t at, double seconds, double work);
  /// What the load was at this time of the cycle; absent = nobody has seen it.
  std::optional<double> at(std::int64_t at) const;
  struct Range {
    double least;
    double most;
  };
  /// Between which it was from one time to another; absent = a part of it nobody has seen.
  std::optional<Range> between(std::int64_t from, std::int64_t to) const;

  /// What is remembered.
  void write(StateWriter& out) const;
  /// kInvalidArgument leaves it as it was.
  Result<void> read(StateReader& in);

 private:
  static constexpr std::int64_t kBinSeconds = 300;
  static constexpr double kUnknown = -1;
  struct Sum {
    std::int64_t bin = 0;  ///< since 1970
    double seconds = 0;
    double work = 0;  ///< node-seconds
  };
  std::size_t place(std::int64_t bin) const;
  void remember(const Sum& over);

  std::vector<double> roots_;  ///< by bin of the cycle
  std::optional<Sum> before_;
  std::optional<Sum> now_;
};

}  // namespace gpuscale::policy
