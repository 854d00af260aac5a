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
/// minutes. What a day has shown is expected of the next, and forgotten slowly: so a step that comes a little
/// earlier or higher on some days is expected early and high, and an outage is no quiet day. Of a week it is
/// what two in a row have shown: what happened once would be long forgotten when it is awaited again. Times
/// are seconds since 1970, and cycles begin with them: what follows a local clock comes at another time after
/// that clock is changed.
class Season {
 public:
  static constexpr std::int64_t kDaySeconds = 86'400;
  static constexpr std::int64_t kWeekSeconds = 7 * kDaySeconds;

  /// @param sightings cycles in a row that something is expected after: 1 or 2
  Season(std::int64_t cycle_seconds, int sightings);

  /// What came in a time that began `at`; times ascend. A bin is remembered when the next one is over, so
  /// that nothing is expected because it is just happening, and where half of its time at least was seen.
  /// @param work node-seconds
  void add(std::int64_t at, double seconds, double work);
  /// What the load was at this time of the cycle; absent = not enough was seen.
  std::optional<double> at(std::int64_t at) const;
  struct Range {
    double least;
    double most;
  };
  /// Between which it was from one time to another; absent = a part of it nobody has seen.
  std::optional<Range> between(std::int64_t from, std::int64_t to) const;

  /// All of it.
  void write(StateWriter& out) const;
  /// kInvalidArgument leaves it as it was.
  Result<void> read(StateReader& in);

 private:
  static constexpr std::int64_t kBinSeconds = 300;
  struct Bin {
    double root = 0;    ///< what is expected, once it was seen often enough
    double newest = 0;  ///< as it was in the latest cycle
    int cycles = 0;     ///< that have been seen, at most as many as it takes
  };
  struct Sum {
    std::int64_t bin = 0;  ///< since 1970
    double seconds = 0;
    double work = 0;  ///< node-seconds
  };
  std::size_t place(std::int64_t bin) const;
  void remember(const Sum& over);

  bool is_known(const Bin& bin) const { return bin.cycles >= sightings_; }

  int sightings_;
  std::vector<Bin> bins_;  ///< of the cycle
  std::optional<Sum> before_;
  std::optional<Sum> now_;
};

}  // namespace gpuscale::policy
