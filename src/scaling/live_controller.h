// SPDX-License-Identifier: Apache-2.0
/// The controller that Controller::open() makes. Commands change the book and wake the thread; the thread
/// passes over the pools; readers get a snapshot and never wait for a provider or the disk.
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
#include "scaling/pool_shell.h"
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
  };
  LiveController(std::unique_ptr<Book> book, Parts parts);
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
  Result<TriggerOutcome> set_desired(const std::string& pool, int desired, const std::string& who) override;
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
  struct Snapshot {
    std::vector<PoolStatus> pools;
    std::vector<NodeStatus> nodes;
  };
  /// The last refusal of a trigger, so that a caller who hammers fills no ledger.
  struct Refusal {
    Verdict verdict;
    WallTime told;
    int untold = 0;
  };

  Result<TriggerSpec> trigger_named(const std::string& name) const;
  std::shared_ptr<const Setup> setup() const;
  std::shared_ptr<const Snapshot> snapshot() const;
  Result<std::vector<std::pair<std::string, Secret>>> keep_secrets(const std::vector<TriggerSpec>& triggers,
                                                                   Setup& next);
  Result<void> keep_pools(const std::vector<pool::PoolSpec>& pools, WallTime now);
  Result<void> decide_in(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call,
                         const pool::PoolSpec& spec, WallTime now, TriggerOutcome& outcome);
  void tell_refusal(Draft& draft, const TriggerOutcome& outcome, const TriggerCall& call, WallTime now);
  void refresh(WallTime now);
  void add_status(Snapshot& next, const pool::PoolSpec& spec, const PoolPage& page, const PoolSight& sight,
                  WallTime now) const;
  void wake();
  void run();

  const std::unique_ptr<Book> book_;
  Parts parts_;

  std::mutex pass_mutex_;  ///< one pass, or one change of the set-up, at a time
  std::map<std::string, std::unique_ptr<PoolShell>> shells_;

  mutable std::mutex setup_mutex_;
  std::shared_ptr<const Setup> setup_ = std::make_shared<Setup>();

  std::mutex refresh_mutex_;  ///< orders refreshes, so that an older one never replaces a newer
  std::map<std::string, PoolSight> sights_;
  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<Snapshot>();

  std::mutex refusals_mutex_;
  std::map<std::string, Refusal> refusals_;

  std::atomic<bool> closing_{false};
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  bool stopping_ = false;
  std::mutex thread_mutex_;
  std::thread thread_;
};

}  // namespace gpuscale::scaling
