// SPDX-License-Identifier: Apache-2.0
/// Asks the policies of every pool and moves its desired size through the controller, whose bounds and
/// cooldowns hold for policies as for everybody else. What the policies learned is in state.db and survives a
/// restart. Every look is in the journal with what was seen, also of pools without policies: `gpuscale
/// activity replay` asks others about it. Public methods are thread-safe.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "db/database.h"
#include "log/log.h"
#include "policy/council.h"
#include "scaling/controller.h"
#include "scaling/decision_journal.h"

namespace gpuscale::scaling {

/// One policy as people see it.
struct PolicyStatus {
  policy::PolicySpec spec;
  std::optional<std::int64_t> want;  ///< absent = as it is
  std::string reason;
  std::optional<std::int64_t> boot_seconds;  ///< what it plans with; absent = nothing learned yet
};

/// Of the ready nodes: what a council sees of a pool. Pure.
policy::Observation observe(const PoolStatus& pool, const std::vector<NodeStatus>& nodes);

/// Launch to first report of a working device, as nine of ten of these boots took at most; absent under three
/// boots. Pure.
std::optional<std::int64_t> boot_seconds_of(const std::vector<NodeStatus>& nodes);

/// The value of a policy's formula now; absent = unknown.
using SignalReader = std::function<std::optional<double>(const policy::Formula& formula,
                                                         const PoolStatus& pool, WallTime now)>;

class Pilot {
 public:
  /// `database` and `controller` outlive it.
  static Result<std::unique_ptr<Pilot>> open(db::Database& database, Controller& controller,
                                             const Clock& clock, log::Log log, SignalReader signals = {});
  ~Pilot();  ///< stops
  Pilot(const Pilot&) = delete;
  Pilot& operator=(const Pilot&) = delete;

  /// Replaces all policies; those that stay the same keep what they learned. Errors: kInvalidArgument names
  /// the policy.
  Result<void> set_policies(std::vector<policy::PolicySpec> specs);
  std::vector<PolicyStatus> policies() const;

  /// One look at every pool; due each Council::kTickSeconds.
  void tick(WallTime now);
  void start();
  void stop();  ///< idempotent; keeps what was learned

 private:
  struct Seat {
    std::vector<policy::PolicySpec> specs;
    std::optional<std::int64_t> boot_seconds;
    CouncilSegment beginning;
    policy::Council council;
    std::optional<std::int64_t> segment;  ///< in the journal; absent = not written yet
    std::int64_t looks = 0;               ///< since the beginning
    std::vector<CouncilTick> unwritten;
    std::deque<CouncilTick> recent;  ///< for the next beginning
  };
  Pilot(db::Database& database, std::unique_ptr<DecisionJournal> journal, Controller& controller,
        const Clock& clock, log::Log log, SignalReader signals)
      : database_(database),
        journal_(std::move(journal)),
        controller_(controller),
        clock_(clock),
        log_(std::move(log)),
        read_signal_(std::move(signals)) {}

  /// Outside of the lock: a query may take long. By policy.
  std::map<std::string, double, std::less<>> read_signals(const std::vector<PoolStatus>& pools,
                                                          WallTime now) const;
  void fly(const PoolStatus& pool, Seat& seat, const std::map<std::string, double, std::less<>>& signals,
           WallTime now);
  Seat seat_of(std::vector<policy::PolicySpec> specs, std::map<std::string, std::string> learned);
  /// From what was learned and the latest looks, so that no replay must begin years ago.
  void begin_anew(Seat& seat);
  void keep_look(const std::string& pool, Seat& seat, const CouncilTick& tick);
  void keep_learned();
  Result<std::map<std::string, std::string>> stored();
  void run();

  db::Database& database_;
  const std::unique_ptr<DecisionJournal> journal_;
  Controller& controller_;
  const Clock& clock_;
  log::Log log_;
  SignalReader read_signal_;
  mutable std::mutex mutex_;
  std::map<std::string, Seat> seats_;  ///< by pool
  int ticks_since_kept_ = 0;

  std::mutex thread_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gpuscale::scaling
