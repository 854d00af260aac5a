// SPDX-License-Identifier: Apache-2.0
/// Asks the policies of every pool and moves its desired size through the controller, whose bounds and
/// cooldowns hold for policies as for everybody else. What the policies learned is in state.db and survives a
/// restart. Every look is in the journal with what was seen, also of pools without policies: `gpuscale
/// activity replay` asks others about it. Public methods are thread-safe.
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
#include "base/time.h"
#include "db/database.h"
#include "log/log.h"
#include "scaling/controller.h"
#include "scaling/decision_journal.h"
#include "scaling/pilot_store.h"
#include "scaling/policy_seat.h"

namespace gpuscale::scaling {

/// Cost and loss over the last day and week, as far as they are known.
struct TrialStatus {
  TrialSums day;
  TrialSums week;
};

/// One policy as people see it.
struct PolicyStatus {
  policy::PolicySpec spec;
  std::optional<std::int64_t> want;  ///< absent = as it is
  std::string reason;
  policy::Evidence evidence;                 ///< what it went by, in numbers
  std::optional<std::int64_t> boot_seconds;  ///< what it plans with; absent = nothing learned yet
  std::optional<TrialStatus> trial;          ///< had it been the only one; absent = it cannot be tried
};

/// What is to be seen of a pool's policies together.
struct SeatStatus {
  std::string pool;
  std::optional<TrialStatus> as_it_was;
  std::optional<Promotion> promotion;  ///< the latest
};

/// The value of a policy's formula now; absent = there is no data. Errors are told as the policy's reason.
using SignalReader = std::function<Result<std::optional<double>>(const policy::Formula& formula,
                                                                 const PoolStatus& pool, WallTime now)>;
/// Tells the channels of a promotion that it was rolled back; may be called twice for one.
using RollBackTeller = std::function<Result<void>(const Promotion& promotion, WallTime now)>;

class Pilot {
 public:
  struct Ports {
    db::Database& database;
    Controller& controller;
    activity::Ledger& ledger;
    const Clock& clock;
    log::Log log;
    SignalReader signals{};      ///< may be empty: formulas then have no value
    RollBackTeller roll_back{};  ///< may be empty: nobody is told
  };  // all outlive it
  static Result<std::unique_ptr<Pilot>> open(Ports ports);
  ~Pilot();  ///< stops
  Pilot(const Pilot&) = delete;
  Pilot& operator=(const Pilot&) = delete;

  /// Replaces all policies, from the next look on; those that stay of their kind keep what they learned, and
  /// what a pool's policies saw stays. One that is gone while we run is forgotten: one made later under its
  /// name is another. Where the configuration has another word on who is heard than when a policy was
  /// promoted, the promotion ends. Errors: kInvalidArgument names the policy.
  Result<void> set_policies(std::vector<policy::PolicySpec> specs);
  /// Why these must not replace the present ones (a promotion would end, see keeps_from()); nullopt = they
  /// may.
  std::optional<std::string> keeps_from_change(const std::vector<policy::PolicySpec>& next) const;
  std::vector<PolicyStatus> policies() const;
  std::vector<SeatStatus> seats() const;

  struct PromotionOrder {
    std::string pool;
    std::string policy;
    std::string who;
    Nanos probation = kDefaultProbation;
    std::vector<std::string> notify;  ///< channels
  };
  /// Lets this policy alone be heard, and those heard until now be shadows; while it is on probation harm
  /// (promotion.h) brings those back. Errors: kNotFound (pool, policy), kConflict (it is the only one heard),
  /// kInvalidArgument (probation).
  Result<Promotion> promote(const PromotionOrder& order);
  /// Those that were heard before are heard again. Errors: kNotFound (pool), kConflict (nothing was
  /// promoted).
  Result<Promotion> roll_back(const std::string& pool, const std::string& who);

  /// One look at every pool; due each Council::kTickSeconds.
  void tick(WallTime now);
  void start();
  void stop();  ///< idempotent; keeps what was learned

 private:
  Pilot(Ports ports, PilotStore store, std::unique_ptr<DecisionJournal> journal)
      : ports_(std::move(ports)), store_(store), journal_(std::move(journal)) {}

  using Values = std::map<std::string, double, std::less<>>;  ///< of formulas, by policy
  struct Signal {
    policy::PolicySpec of;  ///< as it was asked for
    Result<std::optional<double>> value;
  };
  /// Outside of the lock: a query may take long.
  std::vector<Signal> read_signals(const std::vector<PoolStatus>& pools, WallTime now) const;
  /// Of those policies that still go by what was asked; why others have none is remembered.
  Values take(const std::vector<Signal>& signals);
  /// What the change leaves of no use in the database.
  void forget(const std::vector<policy::PolicySpec>& before, const std::vector<policy::PolicySpec>& now);
  std::vector<policy::PolicySpec> all_declared() const;
  std::unique_ptr<PolicySeat> seat_of(const std::string& pool, std::vector<policy::PolicySpec> declared);
  void end_promotion(const Promotion& promotion);
  void fly(const PoolStatus& pool, PolicySeat& seat, const Values& signals, WallTime now);
  void judge_promotion(PolicySeat& seat, WallTime now);
  Result<Promotion> roll_back(PolicySeat& seat, const std::string& reason, WallTime now);
  void tell_roll_backs(WallTime now);
  void keep_learned();
  void write_learned();  ///< with keep_mutex_ held
  void run();

  const Ports ports_;
  PilotStore store_;
  const std::unique_ptr<DecisionJournal> journal_;
  std::mutex keep_mutex_;  ///< orders what is written of them; taken before mutex_
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<PolicySeat>> seats_;  ///< by pool
  std::map<std::string, std::string> unread_;  ///< by policy: why its formula could not be read
  bool journal_failed_ = false;
  int ticks_since_kept_ = 0;

  std::mutex thread_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gpuscale::scaling
