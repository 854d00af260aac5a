// SPDX-License-Identifier: Apache-2.0
/// One storm of alerts and trigger calls, made from a seed, over the real engine, outbox and controller on
/// one database, a clock of its own and receivers that fail: the server is killed before or after any commit,
/// and in the middle of any call. Says which promise broke.
#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "alert/engine.h"
#include "base/testing/manual_clock.h"
#include "notify/from_alert.h"
#include "pool/testing/fake_provider.h"
#include "scaling/controller.h"
#include "scaling/testing/fake_telemetry.h"

namespace gpuscale::scaling::testing {

struct ChainReport {
  std::vector<std::string> broken;  ///< promises; empty = all held
  int crashes = 0;
  int fired = 0;
  int ended = 0;
  int accepted = 0;  ///< calls of triggers
  int errands = 0;   ///< carried out
};

class ChainWorld {
 public:
  static constexpr std::chrono::seconds kStep{1};

  explicit ChainWorld(std::uint64_t seed, int steps = 400) : random_(seed), steps_(steps) {
    database_ = *db::Database::open(":memory:");
    ledger_ = *activity::Ledger::open(*database_);
    cloud_.set_instant_termination(true);
    database_->set_commit_hook([this](bool) { tread(); });
    for (const char* rule : kRules) truth_[rule] = kCalm;
  }

  ChainReport run() {
    open();
    for (int i = 0; i < steps_; ++i) {
      strike();
      step();
    }
    calm();
    for (int i = 0; i < kCalmSteps; ++i) step();
    crash_in_ = -1;
    check();
    return report_;
  }

 private:
  struct Crash {};
  /// Who calls a trigger until it has an answer, under one key.
  struct Caller {
    std::string key;
    std::string trigger;
    std::optional<Verdict> answer;
  };
  static constexpr const char* kRules[] = {"grow", "tell", "deploy"};
  static constexpr double kHigh = 90;
  static constexpr double kCalm = 10;
  static constexpr double kLine = 45;
  /// Longer than the longest back-off and rest of a receiver.
  static constexpr int kCalmSteps = 150;

  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool chance(double p) { return std::uniform_real_distribution<double>(0, 1)(random_) < p; }

  /// Every commit and every call is a place to die at.
  void tread() {
    if (crash_in_ < 0 || crash_in_-- > 0) return;
    throw Crash{};
  }

  /// Answers what the rule's signal is, nothing, or an error; remembers what it answered.
  class Source final : public datasource::DataSource {
   public:
    explicit Source(ChainWorld& world) : world_(world) {}
    Result<std::vector<datasource::Series>> query(const datasource::Query& query) override {
      world_.tread();
      const std::string rule = query.text.substr(0, query.text.find(' '));
      if (world_.storms_ && world_.chance(0.1)) return fail(Errc::kUnavailable, "the store is away");
      if (world_.storms_ && world_.chance(0.1)) return std::vector<datasource::Series>{};
      const double value = world_.truth_.at(rule);
      world_.answered_[rule].emplace_back(query.now, value);
      return std::vector<datasource::Series>{{rule, {}, {{query.now, value}}}};
    }

   private:
    ChainWorld& world_;
  };

  /// The receiver of messages and errands: acts once per key, may be away, may lose its answer.
  class Receiver final : public notify::Sender {
   public:
    Receiver(ChainWorld& world, bool errands) : world_(world), errands_(errands) {}
    Result<notify::Receipt> send(const notify::ChannelSpec&, const notify::Message& message) override {
      world_.tread();
      if (world_.storms_ && world_.chance(0.2)) return fail(Errc::kUnavailable, "refused");
      if (errands_) {
        if (++world_.acts_[message.idempotency] > 1) world_.broke("done twice: " + message.idempotency);
      } else if (world_.received_.insert(message.idempotency).second) {
        world_.last_heard_[message.rule] = message;
      }
      world_.tread();
      if (world_.storms_ && world_.chance(0.1)) return fail(Errc::kTimeout, "no answer");
      return notify::Receipt{200, "", {}};
    }

   private:
    ChainWorld& world_;
    bool errands_;
  };

  void broke(std::string promise) { report_.broken.push_back(std::move(promise)); }

  static alert::RuleSpec rule(const std::string& name, std::vector<std::string> notify) {
    alert::RuleSpec spec;
    spec.name = name;
    spec.every = std::chrono::seconds{1};
    spec.queries = {{"C", name + " $timeFilter"}};
    spec.condition = "last(C, 10s) > 45";
    spec.repeat = std::chrono::seconds{5};
    spec.notify = std::move(notify);
    return spec;
  }

  static notify::ChannelSpec channel(const std::string& name, const std::string& trigger) {
    notify::ChannelSpec spec;
    spec.name = name;
    spec.kind = trigger.empty() ? notify::ChannelKind::kWebhook : notify::ChannelKind::kTrigger;
    spec.trigger = trigger;
    if (trigger.empty()) spec.states = {"firing", "ok"};
    return spec;
  }

  Result<notify::Receipt> pull_by_channel(const std::string& trigger, const notify::Message& message) {
    tread();
    const auto outcome = controller_->pull(
        {.trigger = trigger, .idempotency_key = message.idempotency, .source = "key " + message.idempotency});
    tread();
    if (!outcome) return outcome.error();
    const bool cools = outcome->verdict == Verdict::kCooldown;
    return notify::Receipt{cools ? 429 : 200, "", outcome->retry_after};
  }

  void open() {
    const log::Log log = log::Log::silent();
    const auto errands = std::make_shared<Receiver>(*this, true);
    controller_ = *Controller::open(
        *database_, *ledger_, telemetry_, clock_, log,
        [this](const pool::PoolSpec&) -> Result<std::unique_ptr<pool::NodeProvider>> {
          return std::unique_ptr<pool::NodeProvider>(std::make_unique<pool::testing::FakeProvider>(cloud_));
        },
        {.id_suffix = [this] { return std::to_string(++ids_made_); }, .errands = {errands, errands}});
    pool::PoolSpec pool;
    pool.name = "gpu";
    pool.provider.type = "fake";
    pool.min = 0;
    pool.max = 4;
    pool.cooldown_out = std::chrono::seconds{2};
    pool.cooldown_in = std::chrono::seconds{2};
    TriggerSpec deploy{.name = "deploy", .type = Direction::kRun, .secret = Secret("s")};
    deploy.action.emplace();
    if (!controller_->configure(
            {pool}, {{.name = "out", .pool = "gpu", .type = Direction::kOut, .secret = Secret("s")},
                     {.name = "in", .pool = "gpu", .type = Direction::kIn, .secret = Secret("s")},
                     deploy}))
      broke("cannot configure");
    outbox_ = *notify::Outbox::open(
        *database_, *ledger_, clock_, log,
        {{notify::ChannelKind::kWebhook, std::make_shared<Receiver>(*this, false)},
         {notify::ChannelKind::kTrigger,
          notify::make_trigger_sender([this](const std::string& trigger, const notify::Message& message) {
            return pull_by_channel(trigger, message);
          })}});
    if (!outbox_->set_channels({channel("people", ""), channel("out", "out"), channel("deploy", "deploy")}))
      broke("cannot set channels");
    engine_ = *alert::Engine::open(*database_, *ledger_, source_, clock_, log, notify::sink_into(*outbox_));
    if (!engine_->set_rules({rule("grow", {"people", "out"}), rule("tell", {"people"}),
                             rule("deploy", {"people", "deploy"})}))
      broke("cannot set rules");
  }

  /// Runs it until it comes through: what restarts the server may die as well.
  void alive(const std::function<void()>& work) {
    try {
      work();
      return;
    } catch (const Crash&) {
      ++report_.crashes;
    }
    while (true) {
      engine_.reset();
      outbox_.reset();
      controller_.reset();
      crash_in_ = storms_ && chance(0.2) ? static_cast<int>(pick(0, 6)) : -1;
      try {
        open();
        return;
      } catch (const Crash&) {
        ++report_.crashes;
      }
    }
  }

  void strike() {
    for (auto& [name, value] : truth_)
      if (chance(0.15)) value = value > kLine ? kCalm : kHigh;
    if (chance(0.5)) {
      constexpr const char* kTriggers[] = {"out", "in", "deploy"};
      callers_.push_back({"call-" + std::to_string(callers_.size()), kTriggers[pick(0, 2)], std::nullopt});
    }
    if (chance(0.9)) crash_in_ = static_cast<int>(pick(0, 25));
  }

  void calm() {
    storms_ = false;
    crash_in_ = -1;
  }

  void step() {
    clock_.advance(kStep);
    cloud_.finish_boots();
    for (const std::string& id : cloud_.ids())
      telemetry_.set(id, {.last_report = clock_.wall(), .devices_ok = 1, .devices_measured = 1});
    for (Caller& caller : callers_) {
      if (!caller.answer) alive([&] { call(caller); });
    }
    alive([this] { engine_->tick(clock_.wall()); });
    alive([this] { outbox_->tick(clock_.wall()); });
    alive([this] { controller_->tick(clock_.wall()); });
  }

  void call(Caller& caller) {
    tread();
    const auto outcome = controller_->pull(
        {.trigger = caller.trigger, .idempotency_key = caller.key, .source = "key " + caller.key});
    tread();
    if (outcome) caller.answer = outcome->verdict;
  }

  std::vector<activity::Entry> entries(const std::string& kind) {
    auto found = ledger_->query({.kind_prefix = kind, .limit = 100'000});
    return found ? *std::move(found) : std::vector<activity::Entry>{};
  }

  void check() {
    check_calls();
    check_sizes();
    check_rules();
    check_errands();
  }

  /// What was answered as accepted has acted, and nothing acted twice under one key.
  void check_calls() {
    std::map<std::string, int> acted;
    for (const activity::Entry& entry : entries("trigger.accepted")) {
      ++report_.accepted;
      const std::string source = entry.details.at("source");
      if (++acted[source] > 1) broke("acted twice: " + source);
    }
    for (const Caller& caller : callers_) {
      const int times = acted["key " + caller.key];
      if (!caller.answer) broke("never answered: " + caller.key);
      if (caller.answer == Verdict::kAccepted && times != 1) broke("accepted and lost: " + caller.key);
      if (caller.answer && caller.answer != Verdict::kAccepted && times != 0)
        broke("refused and done: " + caller.key);
    }
  }

  /// Each step begins where the one before it ended, and the last one holds.
  void check_sizes() {
    std::optional<int> size;
    for (const activity::Entry& entry : entries("pool.desired")) {
      if (size && entry.details.at("from") != *size) broke("a step was lost before: " + entry.summary);
      size = entry.details.at("to").get<int>();
    }
    if (size && controller_->pools().at(0).desired != *size) broke("the last step was lost");
  }

  /// Fires and ends take turns, none ends but by an answer below the line, and the receiver knows the truth.
  void check_rules() {
    std::map<std::string, bool> fires;
    for (const activity::Entry& entry : entries("rule.")) {
      if (entry.kind != "rule.firing" && entry.kind != "rule.ok") continue;
      const bool begins = entry.kind == "rule.firing";
      ++(begins ? report_.fired : report_.ended);
      if (fires[entry.subject] == begins) broke(entry.kind + " twice: " + entry.subject);
      fires[entry.subject] = begins;
      std::optional<double> last;
      for (const auto& [at, value] : answered_[entry.subject])
        if (at <= entry.at) last = value;
      if (!last || (*last > kLine) != begins) broke("false " + entry.kind + ": " + entry.subject);
    }
    for (const alert::RuleStatus& status : engine_->status()) {
      const std::string& name = status.spec.name;
      const bool high = truth_.at(name) > kLine;
      if ((status.state == alert::State::kFiring) != high) broke("wrong state at rest: " + name);
      const auto heard = last_heard_.find(name);
      const bool knows_fire = heard != last_heard_.end() && heard->second.state == "firing";
      if (high && (!knows_fire || heard->second.correlation != status.correlation))
        broke("an alert was lost: " + name);
      if (!high && knows_fire) broke("an end was lost: " + name);
    }
  }

  /// At rest none waits, what is done was done once, and what is unknown at most once.
  void check_errands() {
    const auto all = controller_->errands("deploy", 10'000);
    if (!all) return broke("no errands");
    for (const Errand& errand : *all) {
      const std::string key = "gpuscale-" + errand.correlation + "-" + std::to_string(errand.id);
      const int times = acts_.contains(key) ? acts_.at(key) : 0;
      report_.errands += times;
      if (errand.state == ErrandState::kWaiting || errand.state == ErrandState::kRunning)
        broke("an errand was lost: " + key);
      if (errand.state == ErrandState::kDone && times != 1) broke("done and not done: " + key);
    }
  }

  std::mt19937_64 random_;
  int steps_;
  base::testing::ManualClock clock_;
  pool::testing::FakeCloud cloud_;
  FakeTelemetry telemetry_;
  Source source_{*this};
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<notify::Outbox> outbox_;
  std::unique_ptr<alert::Engine> engine_;
  bool storms_ = true;
  std::map<std::string, double> truth_;
  std::map<std::string, std::vector<std::pair<WallTime, double>>> answered_;
  std::set<std::string> received_;
  std::map<std::string, notify::Message> last_heard_;  ///< by rule
  std::map<std::string, int> acts_;
  std::vector<Caller> callers_;
  int ids_made_ = 0;
  int crash_in_ = -1;
  ChainReport report_;
};

}  // namespace gpuscale::scaling::testing
