// SPDX-License-Identifier: Apache-2.0
#include "gpu/virtual_device/virtual_device.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace gpuscale::gpu {
namespace {

using namespace std::chrono_literals;

MonoTime at(std::chrono::milliseconds since) {
  return MonoTime{since};
}

TEST(BusyMeter, MeasuresTheShareOfTimeBetweenReadings) {
  BusyMeter meter(at(0ms));
  meter.begin(at(100ms));
  meter.end(at(350ms));
  const Utilization first = meter.read(at(1000ms));
  EXPECT_DOUBLE_EQ(*first.mean, 25);
  EXPECT_DOUBLE_EQ(*first.peak, 75) << "150 of the 200 ms from 200 on";
  meter.begin(at(1500ms));
  EXPECT_DOUBLE_EQ(*meter.read(at(2000ms)).mean, 50) << "work under way counts";
  EXPECT_DOUBLE_EQ(*meter.read(at(3000ms)).mean, 100);
  meter.end(at(3000ms));
  EXPECT_DOUBLE_EQ(*meter.read(at(4000ms)).mean, 0);
  EXPECT_EQ(meter.total_busy(), Nanos{1750ms});
}

TEST(BusyMeter, HasNoValueForNoTime) {
  BusyMeter meter(at(0ms));
  EXPECT_EQ(meter.read(at(0ms)).mean, std::nullopt);
}

TEST(VirtualDevice, ServesOneAfterTheOtherAndMeasuresWhatItDid) {
  VirtualDevice device({.name = "a"});
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<int> served{0};
  std::promise<void> all;
  ASSERT_TRUE(device.read(WallTime{}));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(device.submit(10ms, [&](const WorkReport& report) {
      EXPECT_TRUE(report.completed);
      EXPECT_GE(report.served, Nanos{10ms});
      if (++served == 10) all.set_value();
    }));
  }
  all.get_future().wait();
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 100ms) << "one at a time";
  const auto readings = device.read(base::from_unix_nanos(5));
  ASSERT_TRUE(readings);
  const Reading& reading = readings->at(0);
  EXPECT_EQ(reading.at, base::from_unix_nanos(5));
  const double least = 100.0 * 100 / std::chrono::duration<double, std::milli>(took).count();
  EXPECT_GE(*reading.utilization_gpu, std::min(least, 100.0) * 0.5);
  EXPECT_LE(*reading.utilization_gpu, 100);
  EXPECT_EQ(reading.power_watts, std::nullopt) << "what it does not measure it does not say";
}

TEST(VirtualDevice, RefusesWhatItsQueueDoesNotHold) {
  VirtualDevice device({.name = "a", .max_queue = 2});
  std::promise<void> first_begun;
  ASSERT_TRUE(device.submit(1h, [](const WorkReport&) {}));
  while (device.depth() != 1 || device.read(WallTime{})->at(0).queue_depth != 1) std::this_thread::yield();
  // The first may still wait; two more fit in any case once it is served.
  int taken = 0;
  while (device.submit(1h, [](const WorkReport&) {})) ++taken;
  EXPECT_GE(taken, 1);
  EXPECT_LE(taken, 2);
  EXPECT_EQ(device.submit(1h, [](const WorkReport&) {}).error().code(), Errc::kExhausted);
}

TEST(VirtualDevice, AStopTellsEveryWaiterThatItsWorkIsNotDone) {
  std::atomic<int> told{0};
  VirtualDevice device({.name = "a"});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(device.submit(1h, [&](const WorkReport& report) {
      EXPECT_FALSE(report.completed);
      ++told;
    }));
  }
  device.stop();
  EXPECT_EQ(told, 5);
  EXPECT_EQ(device.submit(1ms, [](const WorkReport&) {}).error().code(), Errc::kUnavailable);
}

TEST(VirtualDevice, HasTheSameUuidForTheSameName) {
  EXPECT_EQ(virtual_uuid("node-1"), virtual_uuid("node-1"));
  EXPECT_NE(virtual_uuid("node-1"), virtual_uuid("node-2"));
  EXPECT_EQ(virtual_uuid("a").size(), 40U);
}

}  // namespace
}  // namespace gpuscale::gpu
