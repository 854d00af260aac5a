// SPDX-License-Identifier: Apache-2.0
/// One scenario of the fault suite, made from a seed: a controller over a simulated cloud, with a load,
/// agents and a rule of the usual kind, while nodes die, boots fail, telemetry is lost, clocks jump, provider
/// calls fail or lose their replies, and the controller is killed at any write or call. Says which promise
/// broke.
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/testing/manual_clock.h"
#include "pool/testing/fake_provider.h"
#include "scaling/controller.h"
#include "scaling/pilot.h"
#include "scaling/testing/fake_telemetry.h"

namespace gpuscale::scaling::testing {

struct FaultReport {
  std::vector<std::string> broken;  ///< promises; empty = all held
  int crashes = 0;
  int launches = 0;
  int removals = 0;
  int rescues = 0;
  int reversals = 0;  ///< under flat load
};

struct FaultOptions {
  int steps = 400;  ///< of kStep each
  bool faults = true;
  bool flat_load = false;
  bool policies = false;  ///< beside the rule
};

class FaultWorld {
 public:
  static constexpr std::chrono::seconds kStep{2};

  FaultWorld(std::uint64_t seed, FaultOptions options) : options_(options), random_(seed) {
    spec_.name = "gpu";
    spec_.provider.type = "fake";
    spec_.min = static_cast<int>(pick(0, 2));
    spec_.max = spec_.min + static_cast<int>(pick(1, 5));
    spec_.cooldown_out = std::chrono::seconds{10};
    spec_.cooldown_in = std::chrono::seconds{pick(10, 60)};
    spec_.boot_timeout = std::chrono::minutes{2};
    // For ever: an end by time-out is the user's wish to lose requests, and would hide an unwished one.
    spec_.drain_timeout = Nanos{0};
    spec_.scale_in.ceiling = 60;
    spec_.scale_in.watch = std::chrono::seconds{pick(0, 20)};
    spec_.scale_in.sick_after = std::chrono::seconds{10};
    spec_.warm = {.nodes = static_cast<int>(pick(0, 2)), .keep = std::chrono::seconds{pick(30, 120)}};
    demand_ = base_demand_ = real(0.1, 0.5 * spec_.max);
    database_ = *db::Database::open(":memory:");
    ledger_ = *activity::Ledger::open(*database_);
    ledger_->set_listener([this](const activity::Entry& entry) { hear(entry); });
    cloud_.set_instant_termination(pick(0, 1) == 0);
    cloud_.set_hook([this](pool::testing::Call call, const std::string& id, bool after) {
      if (call == pool::testing::Call::kLaunch && after) ++report_.launches;
      (void)id;
      tread();
    });
  }

  db::Database& database() { return *database_; }

  FaultReport run() {
    open();
    for (int i = 0; i < options_.steps && report_.broken.empty(); ++i) {
      if (options_.faults) strike();
      step();
    }
    calm();
    for (int i = 0; i < kCalmSteps && report_.broken.empty(); ++i) step();
    if (report_.broken.empty()) check_rest();
    return report_;
  }

 private:
  struct Crash {};
  struct Machine {
    double boot_left = 0;  ///< seconds; negative = has booted
    bool boots = true;
    bool reports = true;
    int failed_devices = 0;
    double drain_left = 0;
  };
  static constexpr int kCalmSteps = 120;

  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  bool chance(double p) { return real(0, 1) < p; }

  void open() {
    auto opened = Controller::open(
        *database_, *ledger_, telemetry_, clock_, log::Log::silent(),
        [this](const pool::PoolSpec&) -> Result<std::unique_ptr<pool::NodeProvider>> {
          return std::unique_ptr<pool::NodeProvider>(std::make_unique<pool::testing::FakeProvider>(cloud_));
        },
        {.id_suffix = [this] { return std::to_string(++ids_made_); }});
    controller_ = *std::move(opened);
    const auto made = controller_->configure(
        {spec_}, {{.name = "out", .pool = "gpu", .type = Direction::kOut, .step = 1, .secret = Secret("s")},
                  {.name = "in", .pool = "gpu", .type = Direction::kIn, .step = 1, .secret = Secret("s")}});
    if (!made) report_.broken.push_back("configure: " + made.error().message());
    if (options_.policies) open_pilot();
  }

  void open_pilot() {
    pilot_ = *Pilot::open({*database_, *controller_, *ledger_, clock_, log::Log::silent()});
    const auto policy = [](const char* name, const char* choice, bool shadow) {
      return policy::PolicySpec{name, "gpu", *policy::PolicyChoice::parse(choice), shadow, std::nullopt};
    };
    const auto set =
        pilot_->set_policies({policy("look", "lookout", false), policy("track", "target_tracking=0.5", false),
                              policy("shade", "hpa", true)});
    if (!set) report_.broken.push_back("policies: " + set.error().message());
  }

  /// Every write and every call is a place to die at.
  void tread() {
    if (crash_in_ < 0 || crash_in_-- > 0) return;
    throw Crash{};
  }

  void alive(const std::function<void()>& work) {
    try {
      work();
    } catch (const Crash&) {
      crash_in_ = -1;
      ++report_.crashes;
      pilot_.reset();
      controller_.reset();
      open();
    }
  }

  void hear(const activity::Entry& entry) {
    if (entry.kind == "node.draining" && entry.details.value("cause", "") == "scale_in") {
      ++report_.removals;
      if (entry.details.at("capacity").get<int>() - 1 < spec_.min)
        report_.broken.push_back("a scale-in went below min: " + entry.summary);
    }
    if (entry.kind == "node.undrained") ++report_.rescues;
    if (entry.kind == "pool.desired") note_change(entry);
    tread();
  }

  /// Reversals are judged by the true demand, which the controller never sees.
  void note_change(const activity::Entry& entry) {
    const int from = entry.details.at("from").get<int>();
    const int to = entry.details.at("to").get<int>();
    if (to < spec_.min || to > spec_.max) report_.broken.push_back("desired out of bounds: " + entry.summary);
    if (to > from && shrank_at_demand_ && std::abs(*shrank_at_demand_ - base_demand_) < 1e-9)
      ++report_.reversals;
    shrank_at_demand_ = to < from ? std::optional(base_demand_) : std::nullopt;
  }

  void strike() {
    using pool::testing::Call;
    if (!options_.flat_load && chance(0.02)) base_demand_ = real(0.05, 0.6 * spec_.max);
    const auto ids = cloud_.ids();
    const auto any = [&]() -> std::string {
      return ids.empty() ? "" : ids[static_cast<std::size_t>(pick(0, std::ssize(ids) - 1))];
    };
    if (chance(0.01)) cloud_.vanish(any());
    if (chance(0.01)) machines_[any()].reports = chance(0.5);
    if (chance(0.005)) machines_[any()].failed_devices = static_cast<int>(pick(0, 1));
    if (chance(0.01)) cloud_.set_answers(any(), chance(0.5));
    if (chance(0.01)) telemetry_.set_error(fail(Errc::kUnavailable, "the store is away"));
    if (chance(0.05)) telemetry_.set_error(std::nullopt);
    if (chance(0.005)) clock_.jump_wall(std::chrono::seconds{pick(-3600, 3600)});
    if (chance(0.003)) {
      cloud_.plant("stray-" + std::to_string(++planted_));
      adopted_.insert("stray-" + std::to_string(planted_));
    }
    if (chance(0.05)) {
      constexpr std::array kCalls{Call::kLaunch,  Call::kList,     Call::kDrain,
                                  Call::kUndrain, Call::kWorkload, Call::kTerminate};
      constexpr std::array kErrors{Errc::kExhausted, Errc::kUnavailable, Errc::kTimeout,    Errc::kNotFound,
                                   Errc::kConflict,  Errc::kForbidden,   Errc::kUnsupported};
      const Call call = kCalls[static_cast<std::size_t>(pick(0, 5))];
      const Error error = fail(kErrors[static_cast<std::size_t>(pick(0, 6))], "struck");
      if (chance(0.5)) {
        cloud_.fail_next(call, error, static_cast<int>(pick(1, 5)));
      } else {
        cloud_.lose_reply(call, error, static_cast<int>(pick(1, 3)));
      }
    }
    if (chance(0.05)) crash_in_ = static_cast<int>(pick(0, 12));
    if (chance(0.01)) cloud_.finish_terminations();
  }

  /// The world heals; the clock stays where it has jumped to.
  void calm() {
    cloud_.heal();
    cloud_.set_instant_termination(true);
    cloud_.finish_terminations();
    telemetry_.set_error(std::nullopt);
    crash_in_ = -1;
    options_.faults = false;
    for (auto& [id, machine] : machines_) {
      machine.reports = true;
      machine.boots = true;
      machine.failed_devices = 0;
    }
    for (const auto& id : cloud_.ids()) cloud_.set_answers(id, true);
  }

  void step() {
    clock_.advance(kStep);
    move_machines();
    report_telemetry();
    pull_by_rule();
    alive([this] { controller_->tick(clock_.wall()); });
    if (pilot_) alive([this] { pilot_->tick(clock_.wall()); });
    check();
  }

  void move_machines() {
    const double dt = std::chrono::duration<double>(kStep).count();
    demand_ = base_demand_ * (options_.flat_load ? real(0.97, 1.03) : real(0.9, 1.1));
    std::vector<std::string> serving;
    for (const auto& id : cloud_.ids()) {
      const auto seen = cloud_.machine(id);
      auto [found, fresh] = machines_.try_emplace(id);
      Machine& machine = found->second;
      if (fresh && seen->state == pool::InstanceState::kStarting) {
        machine.boot_left = real(2, 30);
        machine.boots = !options_.faults || chance(0.9);
      }
      machine.boot_left -= dt;
      if (machine.boots && machine.boot_left <= 0 && seen->state == pool::InstanceState::kStarting)
        cloud_.finish_boot(id);
      if (seen->state == pool::InstanceState::kRunning && !seen->draining && ready_.contains(id))
        serving.push_back(id);
      if (seen->draining) {
        machine.drain_left =
            seen->in_flight > 0 && machine.drain_left <= 0 ? real(1, 20) : machine.drain_left - dt;
        if (machine.drain_left <= 0) cloud_.set_in_flight(id, 0);
      } else {
        machine.drain_left = 0;
      }
    }
    load_.clear();
    for (const auto& id : serving) {
      load_[id] = std::min(100.0, 100 * demand_ / static_cast<double>(serving.size()));
      cloud_.set_in_flight(id, 1 + pick(0, 2));
    }
    std::erase_if(machines_, [&](const auto& entry) { return !cloud_.machine(entry.first); });
  }

  void report_telemetry() {
    double sum = 0;
    int heard = 0;
    for (const auto& [id, machine] : machines_) {
      const auto seen = cloud_.machine(id);
      if (!seen || seen->state != pool::InstanceState::kRunning || !machine.reports) continue;
      const double load = load_.contains(id) ? load_.at(id) : seen->in_flight > 0 ? 30.0 : 0.0;
      telemetry_.set(id, {.last_report = clock_.wall(),
                          .devices_ok = 1 - machine.failed_devices,
                          .devices_failed = machine.failed_devices,
                          .devices_measured = 1 - machine.failed_devices,
                          .utilization = load,
                          .utilization_peak = load,
                          .utilization_now = load,
                          .in_flight = seen->in_flight});
      if (load_.contains(id)) {
        sum += load;
        ++heard;
      }
    }
    average_ = heard == 0 ? std::nullopt : std::optional(sum / heard);
  }

  void pull_by_rule() {
    if (!average_) return;
    const char* trigger = *average_ > 60 ? "out" : *average_ < 35 ? "in" : nullptr;
    if (trigger == nullptr) return;
    alive([&] { (void)controller_->pull({.trigger = trigger, .source = "rule"}); });
  }

  void check() {
    ready_.clear();
    int ours = 0;
    for (const auto& status : controller_->nodes("gpu")) {
      const std::string& id = status.node.id.value();
      if (status.node.state == pool::NodeState::kReady) ready_.insert(id);
      const bool counts = status.node.state != pool::NodeState::kDraining;
      if (counts && !adopted_.contains(id)) ++ours;
    }
    if (ours > spec_.max) report_.broken.push_back(std::to_string(ours) + " nodes, above max");
    if (!cloud_.made_twice().empty())
      report_.broken.push_back("launched twice: " + cloud_.made_twice().front());
    if (!cloud_.ended_busy().empty())
      report_.broken.push_back("ended while busy: " + cloud_.ended_busy().front());
  }

  /// After a while in peace the books and the world agree.
  void check_rest() {
    std::set<std::string> known;
    int ready = 0;
    for (const auto& status : controller_->nodes("gpu")) {
      known.insert(status.node.id.value());
      if (status.node.state == pool::NodeState::kReady) ++ready;
    }
    for (const auto& id : cloud_.ids()) {
      if (!known.contains(id)) report_.broken.push_back("orphan: " + id);
    }
    const PoolStatus pool = controller_->pools().at(0);
    if (ready < spec_.min) report_.broken.push_back("below min at rest: " + pool.phase_reason);
    if (pool.counts.launching + pool.counts.booting > 0 && ready < pool.desired)
      report_.broken.push_back("wedged: " + pool.phase_reason);
  }

  FaultOptions options_;
  std::mt19937_64 random_;
  pool::PoolSpec spec_;
  base::testing::ManualClock clock_;
  pool::testing::FakeCloud cloud_;
  FakeTelemetry telemetry_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<Pilot> pilot_;
  std::map<std::string, Machine> machines_;
  std::map<std::string, double> load_;
  std::set<std::string> ready_;
  std::set<std::string> adopted_;
  std::optional<double> average_;
  std::optional<double> shrank_at_demand_;
  double demand_ = 0;
  double base_demand_ = 0;
  int planted_ = 0;
  int ids_made_ = 0;  ///< in order, so that a seed repeats
  int crash_in_ = -1;
  FaultReport report_;
};

}  // namespace gpuscale::scaling::testing
