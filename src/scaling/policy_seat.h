// SPDX-License-Identifier: Apache-2.0
/// One pool's policies as they fly: the council with its journal, every policy's trial, a promotion and the
/// harm it may do. Not thread-safe; the pilot holds its lock.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "db/database.h"
#include "scaling/controller.h"
#include "scaling/decision_journal.h"
#include "scaling/policy_trial.h"
#include "scaling/promotion.h"

namespace gpuscale::scaling {

/// Of the ready nodes: what a council sees of a pool. Pure.
policy::Observation observe(const PoolStatus& pool, const std::vector<NodeStatus>& nodes);

/// Whether it is the policy that it was: of the same pool and the same kind. What it learned is then its own.
bool stays_itself(const policy::PolicySpec& before, const policy::PolicySpec& now);
/// Whether it also decides by the same: a trial of the one then speaks for the other.
bool decides_alike(const policy::PolicySpec& before, const policy::PolicySpec& now);

/// Launch to first report of a working device, as nine of ten of these boots took at most; absent under three
/// boots. Pure.
std::optional<std::int64_t> boot_seconds_of(const std::vector<NodeStatus>& nodes);

class PolicySeat {
 public:
  /// What of earlier days counts in it.
  struct Past {
    std::map<std::string, std::string> learned;  ///< by policy
    std::map<std::string, TrialHours> trials;    ///< by trial_key()
    std::optional<Promotion> promotion;
  };
  /// A promotion that no longer applies is left out: promotion() is then empty.
  PolicySeat(std::string pool, std::vector<policy::PolicySpec> declared, Past past);

  /// Takes what is declared from now on. What was seen stays, and what a policy learned where it stays of its
  /// kind; the trial of one that decides by something else begins anew. @returns the promotion that ends
  std::optional<Promotion> declare(std::vector<policy::PolicySpec> declared);

  const std::vector<policy::PolicySpec>& declared() const { return declared_; }
  /// As they count: a promotion's word is in it.
  const std::vector<policy::PolicySpec>& specs() const { return beginning_.specs; }
  const policy::Council& council() const { return council_; }
  std::optional<std::int64_t> boot_seconds() const { return boot_seconds_; }
  const std::vector<std::string>& unusable() const { return unusable_; }

  /// One look: the proposal of those who are heard. `signals` = the values of formulas, by policy.
  std::optional<policy::Proposal> look(const PoolStatus& pool, const std::vector<NodeStatus>& nodes,
                                       const std::map<std::string, double, std::less<>>& signals,
                                       WallTime now);
  /// Writes the looks that are not yet in the journal. What fails is tried again with the next look; too many
  /// that fail and the council begins anew.
  Result<void> keep_looks(db::Database& database, DecisionJournal& journal);

  const std::optional<Promotion>& promotion() const { return promotion_; }
  /// Takes it, or its changed state, into effect. Of one that does not apply only its state is taken.
  void take(const Promotion& promotion);
  std::string harm() const;  ///< of a promotion on probation; "" = none

  /// "" = the pool as it was; null where a policy has no trial (it goes by steps, or nothing was seen yet).
  const TrialHours* trial(const std::string& policy) const;
  std::map<std::string, TrialHours> trials() const;  ///< by trial_key()
  static std::string trial_key(const std::string& pool, const std::string& policy);

 private:
  /// What those named in `unlearned` had learned is left behind.
  void begin_anew(std::vector<policy::PolicySpec> specs, const std::set<std::string>& unlearned = {});
  void forget_trial(const std::string& policy);
  void try_out(const PoolStatus& pool, const CouncilTick& tick);
  void watch_for_harm(const CouncilTick& tick, const TrialSums& as_it_was);

  std::string pool_;
  std::vector<policy::PolicySpec> declared_;
  std::optional<Promotion> promotion_;
  std::vector<std::string> unusable_;
  std::map<std::string, TrialHours> past_trials_;  ///< of those that have not begun yet
  std::optional<std::int64_t> boot_seconds_;
  CouncilSegment beginning_;
  policy::Council council_;
  std::optional<std::int64_t> segment_;  ///< in the journal; absent = not written yet
  std::int64_t looks_ = 0;               ///< since the beginning
  std::vector<CouncilTick> unwritten_;
  std::deque<CouncilTick> recent_;                              ///< for the next beginning
  std::map<std::string, std::unique_ptr<PolicyTrial>> trials_;  ///< by policy; "" = as it was
  double demand_ = 0;                                           ///< of the latest look
  std::deque<HarmLook> harm_;                                   ///< since the promotion
};

}  // namespace gpuscale::scaling
