// SPDX-License-Identifier: Apache-2.0
/// The machines of the fault suite as time goes by: they boot, serve, drain and report.
#pragma once
#include <algorithm>
#include <optional>
#include <string>

#include "base/testing/manual_clock.h"
#include "scaling/testing/fake_telemetry.h"
#include "scaling/testing/fault_setup.h"

namespace gpuscale::scaling::testing {

/// Everything that it is made of outlives it.
class FaultMachines {
 public:
  FaultMachines(const FaultOptions& options, Dice& dice, const base::testing::ManualClock& clock,
                FakeTelemetry& telemetry, FaultReport& report)
      : options_(options), dice_(dice), clock_(clock), telemetry_(telemetry), report_(report) {}

  /// Boots go on, the load is spread over those that serve, and what drains ends its work.
  void move(Site& site, Nanos step) {
    const double dt = std::chrono::duration<double>(step).count();
    const double demand =
        site.base_demand * (options_.flat_load ? dice_.real(0.97, 1.03) : dice_.real(0.9, 1.1));
    site.load.clear();
    std::erase_if(site.machines, [&](const auto& entry) { return !site.machine(entry.first); });
    for (auto* cloud : site.clouds()) {
      for (const auto& id : cloud->ids()) move_machine(site, *cloud, id, dt);
    }
    for (auto& [id, percent] : site.load)
      percent = std::min(100.0, 100 * demand / static_cast<double>(site.load.size()));
  }

  /// What the agents send, and what the site's rule sees of it.
  void report(Site& site, Nanos step) {
    double sum = 0;
    int heard = 0;
    for (auto& [id, machine] : site.machines) {
      const auto seen = site.machine(id);
      machine.unheard += std::chrono::duration<double>(step).count();
      if (!seen || seen->state != pool::InstanceState::kRunning) continue;
      const bool made_up = !machine.reports && options_.flaw == Flaw::kBelievesOldReports;
      if (!machine.reports && !made_up) continue;
      const double load = made_up                  ? 0.0
                          : site.load.contains(id) ? site.load.at(id)
                          : seen->in_flight > 0    ? 30.0
                                                   : 0.0;
      telemetry_.set(id, {.last_report = clock_.wall(),
                          .devices_ok = 1 - machine.failed_devices,
                          .devices_failed = machine.failed_devices,
                          .devices_measured = 1 - machine.failed_devices,
                          .utilization = load,
                          .utilization_peak = load,
                          .utilization_now = load,
                          .in_flight = seen->in_flight,
                          .gpu_class = machine.gpu_class,
                          .zone = machine.zone});
      if (!made_up) machine.unheard = 0;
      if (!site.load.contains(id)) continue;
      sum += load;
      ++heard;
    }
    site.average = heard == 0 ? std::nullopt : std::optional(sum / heard);
  }

 private:
  void move_machine(Site& site, pool::testing::FakeCloud& cloud, const std::string& id, double dt) {
    const auto seen = cloud.machine(id);
    auto [found, fresh] = site.machines.try_emplace(id);
    Site::Machine& machine = found->second;
    if (fresh && seen->state == pool::InstanceState::kStarting) {
      machine.boot_left = dice_.real(2, 30);
      machine.boots = !options_.faults || !strikes(dice_, report_, 0.1, "a boot fails");
    }
    if (fresh && site.unlike) {
      machine.gpu_class = dice_.chance(0.5) ? "H100" : "L4";
      machine.zone = dice_.chance(0.5) ? "a" : "b";
    }
    machine.boot_left -= dt;
    if (machine.boots && machine.boot_left <= 0 && seen->state == pool::InstanceState::kStarting)
      cloud.finish_boot(id);
    const bool serves =
        seen->state == pool::InstanceState::kRunning && !seen->draining && site.ready.contains(id);
    if (serves) {
      site.load[id] = 0;
      machine.drain_left = 0;
      cloud.set_in_flight(id, 1 + dice_.pick(0, 2));
    } else if (seen->in_flight > 0) {
      machine.drain_left = machine.drain_left <= 0 ? dice_.real(1, 20) : machine.drain_left - dt;
      if (machine.drain_left <= 0) cloud.set_in_flight(id, 0);
    }
  }

  const FaultOptions& options_;
  Dice& dice_;
  const base::testing::ManualClock& clock_;
  FakeTelemetry& telemetry_;
  FaultReport& report_;
};

}  // namespace gpuscale::scaling::testing
