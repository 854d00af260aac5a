// SPDX-License-Identifier: Apache-2.0
/// Schedules: at certain times a pool's bounds change, a trigger is pulled or rules are muted. What holds at
/// a moment is computed from the moment alone, so that a server that was down simply does what now holds.
/// Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "pool/node.h"
#include "schedule/cron.h"

namespace gpuscale::schedule {

struct ScheduleSpec {
  std::string name;
  std::string cron;  ///< or `at`
  std::string at;    ///< "2026-12-01 08:00", once
  std::string timezone = "UTC";
  /// How long it holds from each run on. 0: its bounds hold until another such schedule of the pool runs; a
  /// pull that was missed is made up for within kDefaultGrace.
  Nanos lasts{0};
  std::string pool;  ///< of the bounds
  std::optional<int> min;
  std::optional<int> max;
  std::optional<int> floor;  ///< min is raised to it, never lowered
  std::string trigger;       ///< pulled at each run
  std::optional<int> step;
  std::vector<std::string> mute;  ///< rules that tell nothing while it lasts
  bool enabled = true;
};

inline constexpr Nanos kDefaultGrace = std::chrono::minutes{1};

/// A spec that is known to be good, with its times read.
class Schedule {
 public:
  /// Errors: kInvalidArgument, the first fault, naming its key.
  static Result<Schedule> make(ScheduleSpec spec);

  const ScheduleSpec& spec() const { return spec_; }
  std::optional<WallTime> next(WallTime after) const;
  std::optional<WallTime> last(WallTime until) const;  ///< at or before
  /// The run whose time of `lasts` holds at `now`.
  std::optional<WallTime> holds_since(WallTime now) const;

 private:
  ScheduleSpec spec_;
  std::optional<Cron> cron_;
  std::optional<Zone> zone_;
  std::optional<WallTime> once_;
};

/// Every fault of a spec, each naming its key and the mend.
std::vector<std::string> faults_of(const ScheduleSpec& spec);

struct Bounds {
  int min = 0;
  int max = 0;
  std::string by;  ///< the schedules that changed them; "" = as configured
  friend bool operator==(const Bounds&, const Bounds&) = default;
};

/// The bounds of a pool at `now`: as configured, changed by the lasting schedule (`lasts` 0) that ran last,
/// then by those whose time holds, in their order. Where min would pass max, min gives way.
Bounds bounds_at(const pool::PoolSpec& pool, const std::vector<Schedule>& schedules, WallTime now);

/// Rule name to the schedule that mutes it at `now`.
std::map<std::string, std::string> mutes_at(const std::vector<Schedule>& schedules, WallTime now);

/// The run of a pulling schedule that is due at `now` and was not made yet: the newest after `done`, while it
/// is not older than `lasts` or the grace. Runs that were missed before it are not made up for.
std::optional<WallTime> due_pull(const Schedule& schedule, WallTime done, WallTime now);

}  // namespace gpuscale::schedule
