// SPDX-License-Identifier: Apache-2.0
/// The engine that Engine::open() makes. Each rule is a small object with a lock of its own; the threads take
/// the rule that has been due for longest. A rule never overlaps itself.
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "alert/condition.h"
#include "alert/engine.h"
#include "alert/rule_store.h"

namespace gpuscale::alert {

class LiveEngine final : public Engine {
 public:
  struct Parts {
    db::Database& database;
    activity::Ledger& ledger;
    datasource::DataSource& source;
    const Clock& clock;
    log::Log log;
    Sink sink;
    EngineOptions options;
  };
  explicit LiveEngine(Parts parts) : parts_(std::move(parts)) {}
  ~LiveEngine() override;
  LiveEngine(const LiveEngine&) = delete;
  LiveEngine& operator=(const LiveEngine&) = delete;

  Result<void> set_rules(std::vector<RuleSpec> rules) override;
  std::vector<RuleStatus> status() const override;
  void tick(WallTime now) override;
  void start() override;
  void stop() override;

 private:
  struct Rule {
    RuleSpec spec;  // these two never change; a changed spec makes a new Rule
    Condition condition;

    std::mutex mutex;  ///< guards what follows
    StoredRule stored;
    bool removed = false;
    std::optional<WallTime> evaluated_at;
    Evaluation evaluation;

    // Guarded by the engine's mutex:
    std::optional<WallTime> begun;
    bool running = false;
  };
  using RulePtr = std::shared_ptr<Rule>;

  Result<RulePtr> make_rule(RuleSpec spec, std::map<std::string, StoredRule>& stored, WallTime now);
  /// The rules as stored and specified; those that are no more are called off.
  Result<std::vector<RulePtr>> make_rules(std::vector<RuleSpec> specs, WallTime now);
  Result<void> retire(const RulePtr& rule, WallTime now);
  RulePtr take_due(WallTime now);
  Nanos until_next(WallTime now) const;
  void finish(const RulePtr& rule);
  void run();

  void evaluate_now(Rule& rule, WallTime now);
  std::vector<Answer> ask(const Rule& rule, WallTime now);
  Notification notification_of(const Rule& rule, const RuleState& state, WallTime now) const;
  activity::Entry entry_of(const Rule& rule, const Step& step, const Evaluation& evaluation,
                           WallTime now) const;
  /// What `step` makes owed: a message, or word of what becomes of those that wait; else what is owed
  /// already.
  std::optional<Notification> owed_after(const Rule& rule, const Step& step, WallTime now) const;
  Result<void> keep(const std::string& name, const StoredRule& next, activity::Entry* entry);
  void hand_over(Rule& rule);
  void log_step(const Rule& rule, const Step& step, const Evaluation& evaluation) const;

  Parts parts_;
  std::mutex setup_mutex_;  ///< one set_rules() at a time

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<RulePtr> rules_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gpuscale::alert
