// SPDX-License-Identifier: Apache-2.0
/// A controller over a fake cloud, fake telemetry and a clock that the test moves. crash() throws the
/// controller away without a word and opens another on the same database.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/testing/manual_clock.h"
#include "pool/testing/fake_provider.h"
#include "scaling/controller.h"
#include "scaling/testing/fake_telemetry.h"

namespace gpuscale::scaling {

using pool::NodeState;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class World {
 public:
  explicit World(int min = 2, int max = 6, const std::string& path = ":memory:") {
    spec.name = "gpu";
    spec.provider.type = "fake";
    spec.min = min;
    spec.max = max;
    auto opened = db::Database::open(path);
    EXPECT_TRUE(opened);
    database = *std::move(opened);
    auto ledger_opened = activity::Ledger::open(*database);
    EXPECT_TRUE(ledger_opened);
    ledger = *std::move(ledger_opened);
    open();
  }

  void open() {
    auto opened = Controller::open(
        *database, *ledger, telemetry, clock, log::Log::silent(),
        [this](const pool::PoolSpec&) -> Result<std::unique_ptr<pool::NodeProvider>> {
          return std::unique_ptr<pool::NodeProvider>(std::make_unique<pool::testing::FakeProvider>(cloud));
        });
    ASSERT_TRUE(opened) << opened.error().message();
    controller = *std::move(opened);
    auto made = controller->configure(
        {spec}, {{.name = "gpu-out",
                  .pool = "gpu",
                  .type = Direction::kOut,
                  .step = 1,
                  .secret = Secret("out-secret")},
                 {.name = "gpu-in", .pool = "gpu", .type = Direction::kIn, .step = 1, .secret = Secret()}});
    ASSERT_TRUE(made) << made.error().message();
    secrets_made = *std::move(made);
  }
  void crash() {
    controller.reset();
    open();
  }

  /// `n` passes 200 ms apart; every running machine's agent reports each time.
  void pass(int n = 1) {
    for (int i = 0; i < n; ++i) {
      clock.advance(milliseconds{200});
      if (agents_report) report();
      controller->tick(clock.wall());
    }
  }
  void report() {
    for (const auto& id : cloud.ids()) {
      const auto machine = cloud.machine(id);
      if (machine->state != pool::InstanceState::kRunning || mute.contains(id)) continue;
      const double load = loads.contains(id) ? loads.at(id) : 10.0;
      const std::int64_t failed = failed_devices.contains(id) ? failed_devices.at(id) : 0;
      telemetry.set(id, {.last_report = clock.wall(),
                         .devices_ok = 1 - failed,
                         .devices_failed = failed,
                         .devices_measured = 1,
                         .utilization = load,
                         .utilization_peak = load,
                         .in_flight = machine->in_flight});
    }
  }
  /// Until every node asked for is ready.
  void settle() {
    for (int i = 0; i < 50; ++i) {
      pass();
      cloud.finish_boots();
    }
  }

  std::vector<std::string> ids(NodeState state) const {
    std::vector<std::string> out;
    for (const auto& status : controller->nodes("gpu")) {
      if (status.node.state == state) out.push_back(status.node.id.value());
    }
    return out;
  }
  PoolStatus status() const { return controller->pools().at(0); }
  std::vector<activity::Entry> entries(const std::string& kind_prefix = "",
                                       const std::string& correlation = "") const {
    activity::Filter filter;
    filter.kind_prefix = kind_prefix;
    filter.correlation = correlation;
    filter.limit = 10'000;
    auto found = ledger->query(filter);
    EXPECT_TRUE(found);
    return found ? *std::move(found) : std::vector<activity::Entry>{};
  }
  std::vector<std::string> kinds(const std::string& correlation) const {
    std::vector<std::string> out;
    for (const auto& entry : entries("", correlation)) out.push_back(entry.kind);
    return out;
  }

  pool::PoolSpec spec;
  base::testing::ManualClock clock;
  pool::testing::FakeCloud cloud;
  testing::FakeTelemetry telemetry;
  std::unique_ptr<db::Database> database;
  std::unique_ptr<activity::Ledger> ledger;
  std::unique_ptr<Controller> controller;
  std::vector<std::pair<std::string, Secret>> secrets_made;
  std::map<std::string, double> loads;
  std::map<std::string, std::int64_t> failed_devices;
  std::set<std::string> mute;
  bool agents_report = true;
};

}  // namespace gpuscale::scaling
