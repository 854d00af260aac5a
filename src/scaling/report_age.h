// SPDX-License-Identifier: Apache-2.0
/// How old each node's newest report really is. Reports carry wall-clock times: after the clock is set back,
/// those of a node that has long been silent would look fresh, and the node like one that may be judged by
/// them. Not thread-safe; time is passed in.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "scaling/telemetry.h"

namespace gpuscale::scaling {

class ReportAge {
 public:
  /// A store shows its samples again while a clock that was set back passes them once more, so that only a
  /// report newer than every one before is news. Where it was set back further than this, older ones are
  /// believed: nobody can wait for hours.
  static constexpr Nanos kLongestRepeat = std::chrono::minutes{10};
  /// Wall clock and monotonic clock drift apart by less than this between two reports.
  static constexpr Nanos kDrift = std::chrono::seconds{1};
  /// A report takes less than this to come in.
  static constexpr Nanos kLate = std::chrono::seconds{5};

  /// Moves each last_report back to where it is as old as has been counted since it was news. What the first
  /// look finds is none: nobody knows whether the clock was set back before. Nor is a first report that an
  /// earlier look should have shown, were it not too old for it then, nor what a node of `silent` (found so
  /// by a server that ran before) has reported.
  void correct(TelemetryByNode& telemetry, const std::set<std::string>& silent, MonoTime mono, WallTime now);

 private:
  struct Seen {
    WallTime newest;
    MonoTime since;  ///< when it was made, by the monotonic clock
  };
  std::optional<WallTime> last_look_;
  std::unordered_map<std::string, Seen> seen_;
};

}  // namespace gpuscale::scaling
