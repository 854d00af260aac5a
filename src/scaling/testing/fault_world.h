// SPDX-License-Identifier: Apache-2.0
/// One scenario of the fault suite, made from a seed: a controller over simulated clouds, with loads, agents,
/// rules of the usual kind and people at work, while nodes die, boots fail, telemetry is lost, clocks jump,
/// provider calls fail or lose their replies, bounds change, and the controller is killed at any write or
/// call. Says which promise broke (fault_judge.h).
#pragma once
#include <algorithm>
#include <array>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/testing/manual_clock.h"
#include "pool/decorators/fallback_provider.h"
#include "pool/decorators/throttled_provider.h"
#include "scaling/controller.h"
#include "scaling/pilot.h"
#include "scaling/testing/fake_telemetry.h"
#include "scaling/testing/fault_judge.h"
#include "scaling/testing/fault_machines.h"
#include "scaling/testing/fault_setup.h"
#include "scaling/testing/flawed_provider.h"

namespace gpuscale::scaling::testing {

class FaultWorld {
 public:
  static constexpr std::chrono::seconds kStep{2};

  FaultWorld(std::uint64_t seed, FaultOptions options) : options_(options), dice_(seed) {
    database_ = *db::Database::open(":memory:");
    ledger_ = *activity::Ledger::open(*database_);
    const int pools = dice_.chance(0.25) ? 2 : 1;
    int fleet_min = pools;
    for (int i = 0; i < pools; ++i) {
      add_site(i == 0 ? "gpu" : "aux");
      fleet_min += sites_.back().spec.min;
    }
    if (pools > 1 && dice_.chance(0.5)) fleet_cap_ = fleet_min + static_cast<int>(dice_.pick(0, 3));
    asks_ = dice_.chance(0.9);
    judge_.emplace(*database_, report_, options_.flat_load);
    judge_->set_fleet_cap(fleet_cap_);
    ledger_->set_listener([this](const activity::Entry& entry) { hear(entry); });
    database_->set_commit_hook([this](bool) { tread(); });
  }

  db::Database& database() { return *database_; }
  /// What the controller has written down, oldest first.
  std::vector<activity::Entry> story() const {
    activity::Filter all;
    all.limit = 1'000'000;
    return ledger_->query(all).value_or({});
  }

  FaultReport run() {
    open();
    for (int i = 0; i < options_.steps && report_.broken.empty(); ++i) {
      if (options_.faults) strike();
      if (options_.faults && !options_.flat_load) people();
      if (options_.flaw == Flaw::kReverses) reverse(i);
      step();
    }
    calm();
    int at_rest = 0;
    std::string unrest;
    for (int i = 0; i < kCalmSteps && at_rest < kRestSteps && report_.broken.empty(); ++i) {
      step();
      unrest = unrest_anywhere();
      at_rest = unrest.empty() ? at_rest + 1 : 0;
    }
    if (at_rest < kRestSteps && report_.broken.empty()) judge_->accuse(unrest);
    return report_;
  }

 private:
  struct Crash {};
  /// Long enough for a boot that fails, its back-off and another one.
  static constexpr int kCalmSteps = 200;
  static constexpr int kRestSteps = 5;

  void add_site(const std::string& name) {
    Site& site = sites_.emplace_back();
    site.spec = draw_pool(dice_, name);
    if (options_.flaw == Flaw::kIgnoresMin) site.spec.min = std::max(site.spec.min, 1);
    if (options_.flat_load) site.spec.limits = {};
    site.spec.max = std::max(site.spec.max, site.spec.min);
    site.declared = site.spec;
    site.highest_max = site.spec.max;
    site.base_demand = dice_.real(0.1, 0.5 * site.spec.max);
    site.unlike = dice_.chance(0.25);
    if (site.unlike && dice_.chance(0.3)) site.spec.scale_in.capacity = {{"H100", 2.0}, {"L4", 1.0}};
    if (!site.spec.provider.fallback.empty()) site.second.emplace();
    for (auto* cloud : site.clouds()) {
      cloud->set_instant_termination(dice_.chance(0.5));
      cloud->set_hook([this](pool::testing::Call call, const std::string& id, bool after) {
        if (call == pool::testing::Call::kLaunch && !after) judge_->on_launch(id);
        if (call == pool::testing::Call::kLaunch && after) ++report_.launches;
        tread();
      });
    }
  }

  Site& site_of(const std::string& pool) {
    for (Site& site : sites_) {
      if (site.spec.name == pool) return site;
    }
    return sites_.front();
  }

  // --- the server ---------------------------------------------------------------------------------------

  Result<std::unique_ptr<pool::NodeProvider>> provider_for(const pool::PoolSpec& spec) {
    Site& site = site_of(spec.name);
    std::unique_ptr<pool::NodeProvider> provider =
        std::make_unique<FlawedProvider>(site.first, options_.flaw, asks_);
    if (site.second) {
      GS_TRY(auto memory, pool::FallbackMemory::open(*database_, spec.name));
      GS_TRY(provider,
             pool::FallbackProvider::open(
                 std::move(provider), std::make_unique<FlawedProvider>(*site.second, options_.flaw, asks_),
                 std::move(memory), clock_, log::Log::silent()));
    }
    if (!(spec.provider.limits == pool::CallLimits{})) {
      provider = std::make_unique<pool::ThrottledProvider>(std::move(provider), spec.provider.limits, clock_);
    }
    return provider;
  }

  void open() {
    auto opened = Controller::open(
        *database_, *ledger_, telemetry_, clock_, log::Log::silent(),
        [this](const pool::PoolSpec& spec) { return provider_for(spec); },
        {.fleet_max_gpus = fleet_cap_, .id_suffix = [this] { return std::to_string(++ids_made_); }});
    controller_ = *std::move(opened);
    configure();
    if (options_.policies) open_pilot();
  }

  void configure() {
    std::vector<pool::PoolSpec> pools;
    std::vector<TriggerSpec> triggers;
    for (const Site& site : sites_) {
      pool::PoolSpec spec = site.spec;
      if (options_.flaw == Flaw::kEndsBusyNodes) spec.drain_timeout = kStep;
      if (options_.flaw == Flaw::kIgnoresMin) spec.min = std::max(spec.min - 1, 0);
      if (options_.flaw == Flaw::kIgnoresMax) ++spec.max;
      pools.push_back(spec);
      for (const Direction way : {Direction::kOut, Direction::kIn}) {
        triggers.push_back({.name = spec.name + (way == Direction::kOut ? "-out" : "-in"),
                            .pool = spec.name,
                            .type = way,
                            .step = 1,
                            .secret = Secret("s")});
      }
    }
    if (const auto made = controller_->configure(pools, triggers); !made)
      judge_->accuse("configure: " + made.error().message());
  }

  void open_pilot() {
    pilot_ = *Pilot::open({*database_, *controller_, *ledger_, clock_, log::Log::silent()});
    std::vector<policy::PolicySpec> specs;
    for (const Site& site : sites_) {
      for (const auto& [name, choice, shadow] :
           {std::tuple{"look", "lookout", false}, std::tuple{"track", "target_tracking=0.5", false},
            std::tuple{"shade", "hpa", true}}) {
        specs.push_back({site.spec.name + "-" + name, site.spec.name, *policy::PolicyChoice::parse(choice),
                         shadow, std::nullopt});
      }
    }
    if (const auto set = pilot_->set_policies(specs); !set)
      judge_->accuse("policies: " + set.error().message());
  }

  /// Every write and every call is a place to die at, before it and after.
  void tread() {
    if (crash_in_ < 0 || crash_in_-- > 0) return;
    throw Crash{};
  }

  void alive(const std::function<void()>& work) {
    try {
      work();
    } catch (const Crash&) {
      while (!comes_back()) {
      }
    }
  }

  /// false: it is killed again while it starts.
  bool comes_back() {
    ++report_.crashes;
    crash_in_ = -1;
    pilot_.reset();
    controller_.reset();
    crash_in_ = options_.faults && dice_.chance(0.2) ? static_cast<int>(dice_.pick(0, 10)) : -1;
    try {
      open();
      return true;
    } catch (const Crash&) {
      return false;
    }
  }

  void hear(const activity::Entry& entry) {
    for (Site& site : sites_) {
      if (site.spec.name == entry.pool) judge_->on_entry(entry, site, clock_.mono());
    }
    tread();
  }

  // --- what goes wrong ----------------------------------------------------------------------------------

  bool strikes(double p, const char* fault) { return testing::strikes(dice_, report_, p, fault); }

  void strike() {
    for (Site& site : sites_) strike_site(site);
    if (strikes(0.01, "the store of telemetry is away")) {
      judge_->set_blind(true);
      telemetry_.set_error(fail(Errc::kUnavailable, "the store is away"));
    }
    if (dice_.chance(0.05)) see_again();
    if (strikes(0.005, "the clock jumps")) {
      constexpr std::array kReaches{5, 3'600, 30 * 86'400};
      // What an hour is, is told by the wall clock: where it is set anew, no promise about an hour can hold.
      const auto reach = options_.flat_load ? kReaches[0] : dice_.one_of(kReaches);
      clock_.jump_wall(std::chrono::seconds{dice_.pick(-reach, reach)});
    }
    if (strikes(0.05, "the controller is killed")) crash_in_ = static_cast<int>(dice_.pick(0, 25));
  }

  void see_again() {
    judge_->set_blind(false);
    telemetry_.set_error(std::nullopt);
  }

  void strike_site(Site& site) {
    if (!options_.flat_load && dice_.chance(0.02))
      site.base_demand = dice_.real(0.05, 0.6 * std::max(site.spec.max, 1));
    const auto ids = site.ids();
    if (!ids.empty()) {
      const std::string& id = dice_.one_of(ids);
      // Under flat load the machines stay: a pool that lost one has less to bear the load with, and is right
      // to grow.
      if (!options_.flat_load && strikes(0.01, "a node dies")) {
        for (auto* cloud : site.clouds()) cloud->vanish(id);
        site.machines.erase(id);
        return;
      }
      if (strikes(0.01, "a node's telemetry is lost")) site.machines[id].reports = false;
      if (dice_.chance(0.01)) site.machines[id].reports = true;
      if (!options_.flat_load && strikes(0.003, "a device fails")) site.machines[id].failed_devices = 1;
      if (dice_.chance(0.003)) site.machines[id].failed_devices = 0;
      const bool mute = strikes(0.005, "a node does not answer");
      if (mute || dice_.chance(0.005)) {
        for (auto* cloud : site.clouds()) cloud->set_answers(id, !mute);
      }
    }
    if (!options_.flat_load && strikes(0.003, "a stranger appears")) {
      site.planted.insert("stray-" + std::to_string(++planted_));
      site.first.plant("stray-" + std::to_string(planted_));
    }
    if (dice_.chance(0.05)) strike_calls(*dice_.one_of(site.clouds()));
    for (auto* cloud : site.clouds()) {
      if (dice_.chance(0.01)) cloud->finish_terminations();
    }
  }

  void strike_calls(pool::testing::FakeCloud& cloud) {
    using pool::testing::Call;
    constexpr std::array kCalls{Call::kLaunch,  Call::kList,     Call::kDrain,
                                Call::kUndrain, Call::kWorkload, Call::kTerminate};
    constexpr std::array kErrors{Errc::kExhausted, Errc::kUnavailable, Errc::kTimeout,    Errc::kNotFound,
                                 Errc::kConflict,  Errc::kForbidden,   Errc::kUnsupported};
    // Of a reply that is lost nothing is known: another kind would be a provider that lies.
    constexpr std::array kLost{Errc::kUnavailable, Errc::kTimeout};
    const Call call = dice_.one_of(kCalls);
    if (dice_.chance(0.5)) {
      ++report_.injected["provider calls fail"];
      cloud.fail_next(call, fail(dice_.one_of(kErrors), "struck"), static_cast<int>(dice_.pick(1, 5)));
    } else {
      ++report_.injected["replies are lost"];
      cloud.lose_reply(call, fail(dice_.one_of(kLost), "struck"), static_cast<int>(dice_.pick(1, 3)));
    }
  }

  // --- what people and schedules do ---------------------------------------------------------------------

  void people() {
    for (Site& site : sites_) {
      hold(site);
      order(site);
      handle_a_node(site);
      if (strikes(0.005, "bounds change")) {
        site.spec.min = static_cast<int>(dice_.pick(0, site.declared.max));
        site.spec.max = static_cast<int>(dice_.pick(site.spec.min, site.declared.max + 1));
        site.highest_max = std::max(site.highest_max, site.spec.max);
        alive([&] { configure(); });
      }
    }
  }

  void hold(Site& site) {
    const std::string& pool = site.spec.name;
    if (strikes(0.006, "a person holds a pool")) {
      const HoldMode mode = dice_.chance(0.5) ? HoldMode::kPaused : HoldMode::kOnlyOut;
      alive([&] {
        const bool deaf = options_.flaw == Flaw::kIgnoresHolds;
        site.held =
            deaf || controller_->set_hold(pool, {.mode = mode, .who = "ann", .until = {}}).has_value();
      });
    } else if (dice_.chance(0.02)) {
      site.held = false;
      alive([&] { (void)controller_->set_hold(pool, {.mode = HoldMode::kNone, .who = "ann", .until = {}}); });
    }
  }

  void order(Site& site) {
    if (!strikes(0.004, "a person orders a size")) return;
    const auto hold_for =
        dice_.chance(0.5) ? std::optional<Nanos>(std::chrono::seconds{dice_.pick(10, 120)}) : std::nullopt;
    const int size = static_cast<int>(dice_.pick(0, site.spec.max + 1));
    alive([&] { (void)controller_->set_desired(site.spec.name, size, "ann", hold_for); });
  }

  bool drains(const Site& site, const std::string& id) const {
    const auto nodes = controller_->nodes(site.spec.name);
    return std::any_of(nodes.begin(), nodes.end(), [&id](const NodeStatus& status) {
      return status.node.id.value() == id && status.node.state == pool::NodeState::kDraining;
    });
  }

  void handle_a_node(Site& site) {
    const auto ids = site.ids();
    if (ids.empty()) return;
    const std::string& id = dice_.one_of(ids);
    if (strikes(0.003, "a person releases a node"))
      alive([&] { (void)controller_->release_node(id, "ann"); });
    if (strikes(0.003, "a person drains a node")) alive([&] { (void)controller_->hold_node(id, "ann"); });
    if (dice_.chance(0.005)) {
      ++site.taken_back;
      alive([&] { (void)controller_->undrain_node(id, "ann"); });
    }
    if (strikes(0.003, "a person protects a node")) {
      if (drains(site, id)) ++site.taken_back;
      alive([&] {
        const bool deaf = options_.flaw == Flaw::kIgnoresProtection;
        if (deaf || controller_->protect_node(id, true, "ann")) site.guarded.insert(id);
      });
    } else if (dice_.chance(0.01)) {
      site.guarded.erase(id);
      alive([&] { (void)controller_->protect_node(id, false, "ann"); });
    }
  }

  void reverse(int step) {
    constexpr int kEvery = 150;  // steps; five minutes
    if (step % kEvery != kEvery - 1) return;
    const int size = step / kEvery % 2 == 0 ? sites_.front().spec.max : sites_.front().spec.min;
    (void)controller_->set_desired(sites_.front().spec.name, size, "rule");
  }

  /// The world heals and people let go; the clock stays where it has jumped to.
  void calm() {
    crash_in_ = -1;
    options_.faults = false;
    see_again();
    for (Site& site : sites_) {
      site.held = false;
      (void)controller_->set_hold(site.spec.name, {.mode = HoldMode::kNone, .who = "ann", .until = {}});
      for (const NodeStatus& status : controller_->nodes(site.spec.name)) {
        // By the node itself: how far a drain has come is unknown while the provider cannot list.
        if (status.node.reason != "ann drains it") continue;
        ++site.taken_back;
        (void)controller_->undrain_node(status.node.id.value(), "ann");
      }
      for (auto* cloud : site.clouds()) {
        cloud->heal();
        cloud->set_instant_termination(true);
        cloud->finish_terminations();
        for (const auto& id : cloud->ids()) cloud->set_answers(id, true);
      }
      for (auto& [id, machine] : site.machines) {
        machine.reports = machine.boots = true;
        machine.failed_devices = 0;
      }
    }
  }

  // --- the world goes on --------------------------------------------------------------------------------

  void step() {
    clock_.advance(kStep);
    for (Site& site : sites_) {
      machines_.move(site, kStep);
      machines_.report(site, kStep);
      pull_by_rule(site);
    }
    alive([this] { controller_->tick(clock_.wall()); });
    if (pilot_) alive([this] { pilot_->tick(clock_.wall()); });
    for (Site& site : sites_) {
      const auto nodes = controller_->nodes(site.spec.name);
      judge_->on_step(site, nodes);
      site.ready.clear();
      for (const NodeStatus& status : nodes) {
        if (status.node.state == pool::NodeState::kReady) site.ready.insert(status.node.id.value());
      }
    }
  }

  void pull_by_rule(Site& site) {
    if (!site.average) return;
    const char* way = *site.average > 60 ? "-out" : *site.average < 35 ? "-in" : nullptr;
    if (way == nullptr) return;
    alive([&] { (void)controller_->pull({.trigger = site.spec.name + way, .source = "rule"}); });
  }

  std::string unrest_anywhere() {
    for (const PoolStatus& status : controller_->pools()) {
      Site& site = site_of(status.spec.name);
      std::string unrest = FaultJudge::unrest(site, status, controller_->nodes(site.spec.name));
      if (!unrest.empty()) return unrest;
    }
    return "";
  }

  FaultOptions options_;
  Dice dice_;
  base::testing::ManualClock clock_;
  FakeTelemetry telemetry_;
  std::list<Site> sites_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  FaultReport report_;
  FaultMachines machines_{options_, dice_, clock_, telemetry_, report_};
  std::optional<FaultJudge> judge_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<Pilot> pilot_;
  int fleet_cap_ = 0;
  bool asks_ = true;  ///< nodes can be asked for their work
  int planted_ = 0;
  int ids_made_ = 0;  ///< in order, so that a seed repeats
  int crash_in_ = -1;
};

}  // namespace gpuscale::scaling::testing
