// SPDX-License-Identifier: Apache-2.0
/// The controller that Controller::open() makes. Commands change the book and wake the workers, one thread a
/// pool; readers get a snapshot and never wait for a provider or the disk.
#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "scaling/controller.h"
#include "scaling/decision_journal.h"
#include "scaling/errand_desk.h"
#include "scaling/pool_worker.h"
#include "scaling/trigger_switch.h"

namespace gpuscale::scaling {

class LiveController final : public Controller {
 public:
  struct Parts {
    Telemetry& telemetry;
    const Clock& clock;
    log::Log log;
    ProviderFactory providers;
    ControllerOptions options;
    TriggerSwitches switches;
    std::unique_ptr<DecisionJournal> journal;
  };
  LiveController(std::unique_ptr<Book> book, std::unique_ptr<ErrandDesk> errands, Parts parts);
  ~LiveController() override;
  LiveController(const LiveController&) = delete;
  LiveController& operator=(const LiveController&) = delete;

  Result<std::vector<std::pair<std::string, Secret>>> configure(std::vector<pool::PoolSpec> pools,
                                                                std::vector<TriggerSpec> triggers) override;
  std::vector<PoolStatus> pools() const override;
  std::vector<NodeStatus> nodes(const std::string& pool) const override;
  std::vector<TriggerSpec> triggers() const override;
  Result<void> authenticate(const std::string& trigger, const std::string& secret) const override;
  Result<std::string> secret_digest(const std::string& trigger) const override;
  Result<Secret> rotate_secret(const std::string& trigger, const std::string& who) override;
  Result<void> enable_trigger(const std::string& trigger, bool on, const std::string& who) override;
  Result<TriggerOutcome> pull(const TriggerCall& call) override;
  Result<std::vector<Errand>> errands(const std::string& trigger, std::size_t most) const override;
  using Controller::set_desired;
  Result<TriggerOutcome> set_desired(const std::string& pool, int desired, const std::string& who,
                                     std::optional<Nanos> hold_for) override;
  Result<TriggerOutcome> propose_size(const std::string& pool, int desired, const std::string& who) override;
  Result<void> set_hold(const std::string& pool, Hold hold) override;
  Result<void> release_node(const std::string& node, const std::string& who) override;
  Result<void> hold_node(const std::string& node, const std::string& who) override;
  Result<void> undrain_node(const std::string& node, const std::string& who) override;
  Result<void> protect_node(const std::string& node, bool on, const std::string& who) override;
  void tick(WallTime now) override;
  void start() override;
  void stop() override;
  Result<void> shut_down_nodes(std::chrono::milliseconds patience) override;

 private:
  /// Pools and triggers as configured; replaced as a whole.
  struct Setup {
    std::vector<pool::PoolSpec> pools;
    std::vector<TriggerSpec> triggers;  ///< secrets empty
    std::map<std::string, SecretHash> secrets;
  };
  struct PoolPart {
    PoolStatus pool;
    std::vector<NodeStatus> nodes;
  };
  using Snapshot = std::map<std::string, std::shared_ptr<const PoolPart>>;
  using Workers = std::map<std::string, std::shared_ptr<PoolWorker>>;
  /// The last refusal of a trigger, so that a caller who hammers fills no ledger.
  struct Refusal {
    Verdict verdict;
    WallTime told;
    int untold = 0;
  };

  Result<TriggerSpec> trigger_named(const std::string& name) const;
  /// By hand: nothing of `hold_for` = until the next change. Otherwise as a policy.
  struct HandOrder {
    std::optional<Nanos> hold_for;
  };
  Result<TriggerOutcome> change_size(const std::string& pool, int desired, const std::string& who,
                                     const std::optional<HandOrder>& by_hand);
  std::shared_ptr<const Setup> setup() const;
  std::shared_ptr<const Snapshot> snapshot() const;
  Result<std::vector<std::pair<std::string, Secret>>> keep_secrets(const std::vector<TriggerSpec>& triggers,
                                                                   Setup& next);
  /// A trigger that is deleted while we run takes its secret and its switch with it: one made later under its
  /// name is another. What a start no longer finds keeps them.
  Result<void> forget_deleted(const std::vector<TriggerSpec>& triggers);
  Result<void> keep_pools(const std::vector<pool::PoolSpec>& pools, WallTime now);
  Result<void> decide_in(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call,
                         const pool::PoolSpec& spec, std::optional<double> work, WallTime now,
                         TriggerOutcome& outcome);
  /// Whether the key was seen before; then `outcome` is what was answered first.
  Result<bool> recall(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call, WallTime now,
                      TriggerOutcome& outcome) const;
  Result<void> decide_errand_in(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call,
                                WallTime now, TriggerOutcome& outcome);
  RailsView rails_of(const Draft& draft, const PoolRecord& record, const pool::PoolSpec& spec,
                     std::optional<double> work) const;
  void note_want(const pool::PoolSpec& spec, int size, RailsView& rails, WallTime now);
  /// The pool's measured load as the last pass saw it.
  std::optional<double> work_of(const std::string& pool) const;
  /// Whether a decision is kept for replay: one that changes nothing only where it differs from the last of
  /// its kind, or that is a minute old, so that a caller who hammers fills no journal.
  bool worth_keeping(const std::string& kind, const TriggerOutcome& outcome, WallTime now);
  /// Binds the call's key to what was granted, and tells of what was not accepted. @return whether it was
  /// accepted.
  Result<bool> note_verdict(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call,
                            const TriggerOutcome& outcome, WallTime now);
  void tell_refusal(Draft& draft, const TriggerOutcome& outcome, const TriggerCall& call, WallTime now);
  void pass(const std::string& pool, PoolWorker& worker, WallTime now);
  /// Brings the readers' view of one pool, of all pools up to date.
  void refresh(const std::string& pool, WallTime now);
  void refresh(WallTime now);
  PoolPart part_of(const pool::PoolSpec& spec, const PoolPage& page, const PoolSight& sight,
                   WallTime now) const;
  Workers workers() const;
  void start_workers();
  void wake();
  void run(const std::string& pool, PoolWorker& worker);

  const std::unique_ptr<Book> book_;
  const std::unique_ptr<ErrandDesk> errands_;
  Parts parts_;

  std::mutex configure_mutex_;  ///< one change of the set-up at a time
  mutable std::mutex workers_mutex_;
  Workers workers_;
  std::vector<std::shared_ptr<PoolWorker>> retired_;  ///< whose last pass may still run

  mutable std::mutex setup_mutex_;
  std::shared_ptr<const Setup> setup_ = std::make_shared<Setup>();

  std::mutex refresh_mutex_;  ///< orders refreshes, so that an older one never replaces a newer
  std::map<std::string, PoolSight> sights_;
  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<Snapshot>();

  std::mutex refusals_mutex_;
  std::map<std::string, Refusal> refusals_;
  struct Kept {
    WallTime at;
    std::string like;
  };
  std::map<std::string, Kept> kept_;                ///< the last of each kind
  std::map<std::string, std::vector<Want>> wants_;  ///< of the stabilisation windows; forgotten in a crash

  std::atomic<bool> closing_{false};
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  std::uint64_t wakes_ = 0;
  bool stopping_ = false;
  std::mutex thread_mutex_;
  bool running_ = false;
};

}  // namespace gpuscale::scaling
