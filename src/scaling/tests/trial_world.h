// SPDX-License-Identifier: Apache-2.0
/// A pool with policies under a demand of so many nodes' work.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scaling/pilot.h"
#include "scaling/tests/controller_fixture.h"

namespace gpuscale::scaling {

inline policy::PolicySpec tried(const std::string& name, const std::string& choice, bool shadow) {
  return {name, "gpu", *policy::PolicyChoice::parse(choice), shadow, 60};
}
inline std::vector<policy::PolicySpec> roomy_and_tight() {
  return {tried("roomy", "static=5", false), tried("tight", "static=2", true)};
}

/// A world with policies under a demand of so many nodes' work, however many nodes there are.
struct TrialWorld {
  World world;
  std::vector<Promotion> told;
  std::unique_ptr<Pilot> pilot;
  bool telling_fails = false;
  std::function<Result<std::optional<double>>(const policy::Formula&)> value_of;

  TrialWorld() {
    world.settle();
    open(roomy_and_tight());
  }
  void open(std::vector<policy::PolicySpec> specs) {
    pilot.reset();
    pilot = *Pilot::open({*world.database, *world.controller, *world.ledger, world.clock, log::Log::silent(),
                          [this](const policy::Formula& formula, const PoolStatus&, WallTime) {
                            return value_of ? value_of(formula) : Result<std::optional<double>>(std::nullopt);
                          },
                          [this](const Promotion& promotion, WallTime) -> Result<void> {
                            if (telling_fails) return fail(Errc::kUnavailable, "away");
                            told.push_back(promotion);
                            return {};
                          }});
    ASSERT_TRUE(pilot->set_policies(std::move(specs)));
  }
  void live(double demand, int looks) {
    for (int i = 0; i < looks; ++i) {
      world.loads.clear();
      const auto ready = world.ids(NodeState::kReady);
      for (const auto& id : ready)
        world.loads[id] = std::min(100.0, 100 * demand / static_cast<double>(ready.size()));
      for (const auto& id : world.cloud.ids()) world.cloud.set_in_flight(id, 0);
      world.clock.advance(seconds{policy::Council::kTickSeconds});
      world.cloud.finish_boots();
      world.pass(3);
      pilot->tick(world.clock.wall());
    }
  }
  std::vector<std::string> heard() const {
    std::vector<policy::PolicySpec> specs;
    for (const auto& status : pilot->policies()) specs.push_back(status.spec);
    return heard_among(specs);
  }
  Result<Promotion> promote(const std::string& policy, Nanos probation = std::chrono::hours{1}) {
    return pilot->promote({"gpu", policy, "ada", probation, {"people"}});
  }
};

}  // namespace gpuscale::scaling
