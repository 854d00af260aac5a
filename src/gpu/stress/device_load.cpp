// SPDX-License-Identifier: Apache-2.0
#include "gpu/stress/device_load.h"

#include <algorithm>
#include <future>
#include <thread>

#include "gpu/virtual_device/virtual_device.h"

namespace gpuscale::gpu::stress {
namespace {

class VirtualLoad final : public DeviceLoad {
 public:
  std::string name() const override { return "virtual device"; }
  Result<void> work_for(Nanos span) override {
    auto done = std::make_shared<std::promise<void>>();
    auto served = done->get_future();
    GS_CHECK(device_.submit(span, [done](const WorkReport&) { done->set_value(); }));
    served.wait();
    return {};
  }
  std::optional<double> measured() override {
    const auto readings = device_.read(WallTime{});
    if (!readings || readings->empty()) return std::nullopt;
    return readings->front().utilization_gpu;
  }

 private:
  VirtualDevice device_{VirtualDeviceOptions{.name = "stress"}};
};

}  // namespace

std::unique_ptr<DeviceLoad> make_virtual_load() {
  return std::make_unique<VirtualLoad>();
}

Nanos busy_part(double percent, Nanos period) {
  const double share = std::clamp(percent, 0.0, 100.0) / 100;
  return Nanos{static_cast<std::int64_t>(static_cast<double>(period.count()) * share)};
}

Result<void> run_cycle(DeviceLoad& load, const DutyCycle& cycle, const Clock& clock,
                       const std::atomic<bool>& stop, const std::function<void(Nanos passed)>& tell) {
  constexpr Nanos kTellEvery = std::chrono::seconds{1};
  const MonoTime begin = clock.mono();
  MonoTime tell_at = begin + kTellEvery;
  // Each period is counted from the one before, so that work that ran long is made up for by a shorter rest.
  MonoTime period_end = begin;
  while (!stop && clock.mono() - begin < cycle.length) {
    period_end = std::max(period_end + cycle.period, clock.mono());
    if (const Nanos busy = busy_part(cycle.percent, cycle.period); busy > Nanos{0})
      GS_CHECK(load.work_for(busy));
    if (const MonoTime now = clock.mono(); now >= tell_at) {
      tell(now - begin);
      tell_at = now + kTellEvery;
    }
    if (const Nanos rest = period_end - clock.mono(); rest > Nanos{0}) std::this_thread::sleep_for(rest);
  }
  return {};
}

}  // namespace gpuscale::gpu::stress
