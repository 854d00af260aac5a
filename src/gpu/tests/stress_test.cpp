// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/testing/manual_clock.h"
#include "gpu/stress/device_load.h"

namespace gpuscale::gpu::stress {
namespace {

using namespace std::chrono_literals;

class CountingLoad final : public DeviceLoad {
 public:
  explicit CountingLoad(base::testing::ManualClock& clock) : clock_(clock) {}
  std::string name() const override { return "fake"; }
  std::optional<double> measured() override { return std::nullopt; }
  Result<void> work_for(Nanos span) override {
    if (fails) return fail(Errc::kUnavailable, "the GPU is lost");
    worked += span;
    clock_.advance(100us);  // the cycle rests in real time; its clock moves as the load says
    clock_.advance(span);
    return {};
  }
  bool fails = false;
  Nanos worked{0};

 private:
  base::testing::ManualClock& clock_;
};

TEST(Stress, IsAShareOfThePeriod) {
  EXPECT_EQ(busy_part(60, 100ms), 60ms);
  EXPECT_EQ(busy_part(0, 100ms), 0ms);
  EXPECT_EQ(busy_part(250, 100ms), 100ms);
}

TEST(Stress, WorksUntilItsTimeIsOver) {
  base::testing::ManualClock clock;
  CountingLoad load(clock);
  const std::atomic<bool> stop{false};
  int told = 0;
  const auto done = run_cycle(load, {.percent = 100, .period = 100ms, .length = 3s}, clock, stop,
                              [&told](Nanos) { ++told; });
  EXPECT_TRUE(done);
  EXPECT_GE(load.worked, 2900ms);
  EXPECT_GE(told, 2);
}

TEST(Stress, EndsWhereTheDeviceFailsOrItIsToldTo) {
  base::testing::ManualClock clock;
  CountingLoad load(clock);
  std::atomic<bool> stop{true};
  EXPECT_TRUE(run_cycle(load, {.percent = 100, .length = 1h}, clock, stop, [](Nanos) {}));
  stop = false;
  load.fails = true;
  EXPECT_FALSE(run_cycle(load, {.percent = 100, .length = 1h}, clock, stop, [](Nanos) {}));
}

TEST(Stress, OfAVirtualDeviceIsMeasuredByIt) {
  const auto load = make_virtual_load();
  (void)load->measured();
  ASSERT_TRUE(load->work_for(30ms));
  const auto measured = load->measured();
  ASSERT_TRUE(measured);
  EXPECT_GT(*measured, 0) << "how much depends on how soon this thread runs";
}

}  // namespace
}  // namespace gpuscale::gpu::stress
