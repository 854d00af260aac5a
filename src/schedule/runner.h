// SPDX-License-Identifier: Apache-2.0
/// The ticking shell around schedule.h: sets what now holds, pulls what is due, says which rules are muted.
/// Pulls that were made are on disk, so that a restart makes none twice and makes up for the newest that was
/// missed. Thread-safe.
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "activity/ledger.h"
#include "base/result.h"
#include "db/database.h"
#include "log/log.h"
#include "schedule/schedule.h"

namespace gpuscale::schedule {

struct Pull {
  std::string trigger;
  std::optional<int> step;
  std::string idempotency_key;  ///< the same for the same run
  std::string correlation;
  std::string source;  ///< "schedule morning peak"
};

struct Ports {
  /// Makes these the bounds of the pools; of every pool that is configured.
  std::function<Result<void>(const std::map<std::string, Bounds>&)> set_bounds;
  /// @return whether it was granted; one that was not is tried again while its time lasts.
  std::function<Result<bool>(const Pull&)> pull;
};

struct ScheduleStatus {
  ScheduleSpec spec;
  std::optional<WallTime> last_run;
  std::optional<WallTime> holds_until;  ///< of one whose time runs
  std::vector<WallTime> next_runs;
};

class Runner {
 public:
  static Result<std::unique_ptr<Runner>> open(db::Database& database, activity::Ledger& ledger,
                                              const Clock& clock, log::Log log, Ports ports);
  ~Runner();  ///< stops
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Replaces the schedules, and sets the bounds that hold now at once. Errors: a bad spec; those of
  /// set_bounds.
  Result<void> configure(const std::vector<ScheduleSpec>& schedules, std::vector<pool::PoolSpec> pools);
  /// With up to `runs` next runs each.
  std::vector<ScheduleStatus> status(std::size_t runs) const;
  /// The schedule that mutes this rule, as of the last tick.
  std::optional<std::string> muted(const std::string& rule) const;

  void tick(WallTime now);
  void start();  ///< ticks each second on a thread of its own
  void stop();   ///< idempotent

 private:
  Runner(db::Database& database, activity::Ledger& ledger, const Clock& clock, log::Log log, Ports ports)
      : database_(database), ledger_(ledger), clock_(clock), log_(std::move(log)), ports_(std::move(ports)) {}

  bool is_new_while_running(const ScheduleSpec& spec) const;
  Result<void> set_bounds(WallTime now, bool anyway);
  void pull_due(const Schedule& schedule, WallTime now);
  Result<void> note_done(const std::string& schedule, WallTime run);
  void run();

  db::Database& database_;
  activity::Ledger& ledger_;
  const Clock& clock_;
  log::Log log_;
  Ports ports_;

  std::mutex tick_mutex_;  ///< one tick or change at a time; taken before mutex_
  bool configured_ = false;
  std::map<std::string, Bounds> bounds_;
  std::vector<pool::PoolSpec> pools_;

  mutable std::mutex mutex_;  ///< guards what readers see
  std::vector<Schedule> schedules_;
  std::map<std::string, WallTime> done_;
  std::map<std::string, std::string> mutes_;

  std::mutex thread_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gpuscale::schedule
