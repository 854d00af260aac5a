// SPDX-License-Identifier: Apache-2.0
/// What a scenario of the fault suite is made of: its options, what it reports, and pools drawn at random.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "pool/testing/fake_provider.h"
#include "scaling/controller.h"

namespace gpuscale::scaling::testing {

/// A controller that is broken on purpose, in one way each: the suite must see it.
enum class Flaw {
  kNone,
  kEndsBusyNodes,       ///< a drain ends after two seconds whatever the node still does
  kIgnoresMin,          ///< works with a min that is one less
  kIgnoresMax,          ///< works with a max that is one more
  kLaunchesTwice,       ///< asks for two machines under one intent
  kRepeatsLaunch,       ///< asks again for what was made and has ended
  kForgetsNodes,        ///< does not look at one machine of two, as if its list had lost them
  kReverses,            ///< grows and shrinks in turn, whatever the load
  kBelievesOldReports,  ///< takes the last report of a silent node for one of now
  kIgnoresHolds,
  kIgnoresProtection,
  kWedges,  ///< gives a launch up after its first refusal
};

struct FaultReport {
  std::vector<std::string> broken;      ///< promises; empty = all held
  std::map<std::string, int> injected;  ///< faults, by name
  int crashes = 0;
  int launches = 0;
  int removals = 0;   ///< drains begun by a scale-in
  int rescues = 0;    ///< drains undone
  int reversals = 0;  ///< within an hour of flat load each
};

struct FaultOptions {
  int steps = 160;  ///< of FaultWorld::kStep each
  bool faults = true;
  bool flat_load = false;
  bool policies = false;  ///< beside the rule
  Flaw flaw = Flaw::kNone;
};

/// Of 64 scenarios one is an hour of flat load, eight have policies beside their rules.
inline FaultOptions options_of(std::uint64_t seed) {
  constexpr int kHour = 1'800;
  FaultOptions options;
  options.flat_load = seed % 64 == 0;
  if (options.flat_load) options.steps = kHour;
  options.policies = seed % 8 == 1;
  return options;
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  bool chance(double p) { return real(0, 1) < p; }
  template <typename Many>
  const auto& one_of(const Many& many) {
    return many[static_cast<std::size_t>(pick(0, std::ssize(many) - 1))];
  }

 private:
  std::mt19937_64 random_;
};

/// Whether chance wants the fault, which is counted then.
inline bool strikes(Dice& dice, FaultReport& report, double p, const char* fault) {
  if (!dice.chance(p)) return false;
  ++report.injected[fault];
  return true;
}

/// One pool of the scenario and the clouds that its nodes are made in.
struct Site {
  struct Machine {
    double boot_left = 0;  ///< seconds
    bool boots = true;
    bool reports = true;
    double unheard = 0;  ///< seconds since its last report
    int failed_devices = 0;
    double drain_left = 0;
    std::string gpu_class;
    std::string zone;
  };

  pool::PoolSpec spec;  ///< the bounds are those of now
  pool::PoolSpec declared;
  pool::testing::FakeCloud first;
  std::optional<pool::testing::FakeCloud> second;  ///< of the fallback
  std::map<std::string, Machine> machines;         ///< in either cloud
  std::map<std::string, double> load;              ///< percent, of those that serve
  std::set<std::string> ready;                     ///< as the controller last said
  std::set<std::string> planted;                   ///< machines that nobody asked for
  std::optional<double> average;                   ///< what its rule sees
  double base_demand = 0;                          ///< in nodes' worth
  bool held = false;                               ///< by a person: nothing may be removed
  std::set<std::string> guarded;                   ///< nodes that a person protects
  int taken_back = 0;                              ///< nodes, by a person's word
  int highest_max = 0;                             ///< that has been in force
  bool unlike = false;                             ///< several GPU classes and zones

  std::vector<pool::testing::FakeCloud*> clouds() {
    std::vector<pool::testing::FakeCloud*> out{&first};
    if (second) out.push_back(&*second);
    return out;
  }
  std::vector<std::string> ids() {
    std::vector<std::string> out = first.ids();
    if (second) {
      for (std::string& id : second->ids()) out.push_back(std::move(id));
    }
    return out;
  }
  std::optional<pool::testing::FakeCloud::Machine> machine(const std::string& id) {
    auto found = first.machine(id);
    return found || !second ? found : second->machine(id);
  }
};

/// A pool of the usual kind, with as many of the things that a pool may have as chance gives it.
inline pool::PoolSpec draw_pool(Dice& dice, const std::string& name) {
  using std::chrono::seconds;
  pool::PoolSpec spec;
  spec.name = name;
  spec.provider.type = "fake";
  spec.min = static_cast<int>(dice.pick(0, 2));
  spec.max = spec.min + static_cast<int>(dice.pick(1, 5));
  spec.cooldown_out = seconds{10};
  spec.cooldown_in = seconds{dice.pick(10, 60)};
  spec.boot_timeout = std::chrono::minutes{2};
  // For ever: an end by time-out is the user's wish to lose requests, and would hide an unwished one.
  spec.drain_timeout = Nanos{0};
  spec.scale_in.ceiling = 60;
  spec.scale_in.watch = seconds{dice.pick(0, 20)};
  spec.scale_in.sick_after = seconds{10};
  spec.warm = {.nodes = static_cast<int>(dice.pick(0, 2)), .keep = seconds{dice.pick(30, 120)}};
  if (dice.chance(0.3)) spec.provider.fallback.push_back({.type = "fake"});
  if (dice.chance(0.2))
    spec.provider.limits = {static_cast<int>(dice.pick(20, 60)), seconds{dice.pick(0, 5)}};
  if (dice.chance(0.2)) spec.limits.out = {static_cast<int>(dice.pick(1, 3)), seconds{60}};
  if (dice.chance(0.2)) spec.limits.in = {static_cast<int>(dice.pick(1, 3)), seconds{60}};
  if (dice.chance(0.2)) spec.limits.stabilise_in = seconds{dice.pick(5, 30)};
  if (dice.chance(0.1)) spec.limits.stabilise_out = seconds{dice.pick(2, 10)};
  if (dice.chance(0.2)) spec.limits.budget.gpu_hours = dice.real(0.05, 0.5);
  return spec;
}

}  // namespace gpuscale::scaling::testing
