// SPDX-License-Identifier: Apache-2.0
/// The NVML source over a fake library that is loaded as the real one is.
#include <dlfcn.h>
#include <gmock/gmock.h>

#include <cstdlib>

#include "gpu/nvml/nvml_source.h"
#include "gpu/nvml/reaction.h"

namespace gpuscale::gpu::nvml {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class NvmlTest : public ::testing::Test {
 protected:
  NvmlTest() : image_(::dlopen(GPUSCALE_FAKE_NVML, RTLD_NOW)) {
    ::setenv("GPUSCALE_NVML_PATH", GPUSCALE_FAKE_NVML, 1);
    find<void()>("fake_nvml_reset")();
    advance(1s);
  }
  ~NvmlTest() override {
    source_.reset();
    ::unsetenv("GPUSCALE_NVML_PATH");
    ::dlclose(image_);
  }
  template <typename Function>
  Function* find(const char* name) const {
    return reinterpret_cast<Function*>(::dlsym(image_, name));
  }
  void set(const char* call, int code) { find<void(const char*, int)>("fake_nvml_set")(call, code); }
  void advance(Nanos by) {
    now_ += by;
    find<void(std::uint64_t)>("fake_nvml_advance")(static_cast<std::uint64_t>(by / 1us));
  }
  void open() {
    auto source = NvmlSource::open(log::Log::silent());
    ASSERT_TRUE(source) << source.error().message();
    source_ = *std::move(source);
  }
  std::vector<Reading> read() {
    auto readings = source_->read(now_);
    EXPECT_TRUE(readings) << readings.error().message();
    return readings ? *readings : std::vector<Reading>(2);
  }

  void* image_;
  WallTime now_ = base::from_unix_nanos(1'700'000'000'000'000'000);
  std::unique_ptr<NvmlSource> source_;
};

TEST_F(NvmlTest, ReadsWhatEachDeviceMeasures) {
  open();
  read();  // sets the mark of the sample ring
  advance(500ms);
  const auto readings = read();
  ASSERT_EQ(readings.size(), 2U);
  const Reading& first = readings[0];
  EXPECT_EQ(first.device.uuid, "GPU-0");
  EXPECT_EQ(first.device.model, "Fake GPU 0");
  EXPECT_EQ(first.state, DeviceState::kOk);
  EXPECT_EQ(first.at, now_);
  EXPECT_DOUBLE_EQ(*first.utilization_gpu, 70) << "the mean of five samples 50..90";
  EXPECT_EQ(first.utilization_gpu_max, 90);
  EXPECT_EQ(first.utilization_memory, 20);
  EXPECT_EQ(first.memory_used_bytes, 300) << "without what the driver reserves";
  EXPECT_EQ(first.memory_total_bytes, 1'000);
  EXPECT_EQ(first.power_watts, 312.5);
  EXPECT_EQ(first.power_limit_watts, 700);
  EXPECT_EQ(first.temperature_celsius, 61);
  EXPECT_EQ(first.sm_clock_mhz, 1'980);
  EXPECT_EQ(first.memory_clock_mhz, 2'619);
  EXPECT_EQ(first.queue_depth, std::nullopt);
  EXPECT_EQ(readings[1].device.uuid, "GPU-1");
}

TEST_F(NvmlTest, WhatADeviceDoesNotMeasureIsAbsentNotZero) {
  set("power", kNotSupported);
  set("samples", kNotSupported);
  set("memory2", kFunctionNotFound);
  open();
  const auto readings = read();
  EXPECT_EQ(readings[0].power_watts, std::nullopt);
  EXPECT_EQ(readings[0].utilization_gpu, 40) << "the driver's own mean, where there are no samples";
  EXPECT_EQ(readings[0].utilization_gpu_max, std::nullopt);
  EXPECT_EQ(readings[0].memory_used_bytes, 400) << "the older call";
  EXPECT_EQ(readings[0].state, DeviceState::kOk);
}

TEST_F(NvmlTest, ALostGpuHasItsStateAndNoNumbersAndSilencesNoOther) {
  open();
  read();
  set("rates/1", kGpuIsLost);
  set("handle/1", kGpuIsLost);
  advance(1s);
  for (int i = 0; i < 3; ++i) {
    const auto readings = read();
    ASSERT_EQ(readings.size(), 2U);
    EXPECT_EQ(readings[0].state, DeviceState::kOk);
    EXPECT_TRUE(readings[0].utilization_gpu);
    EXPECT_EQ(readings[1].state, DeviceState::kLost);
    EXPECT_EQ(readings[1].device.uuid, "GPU-1");
    EXPECT_THAT(readings[1].detail, HasSubstr("GPU is lost"));
    EXPECT_EQ(readings[1].utilization_gpu, std::nullopt);
    EXPECT_EQ(readings[1].power_watts, std::nullopt);
    advance(40s);
  }
  set("rates/1", kSuccess);
  set("handle/1", kSuccess);
  advance(40s);
  read();
  advance(40s);
  EXPECT_EQ(read()[1].state, DeviceState::kOk) << "it is probed for now and then";
}

TEST_F(NvmlTest, ADriverThatGoesAwayIsAnErrorUntilItIsBack) {
  open();
  read();
  set("rates", kUninitialized);
  set("init", kDriverNotLoaded);
  const auto gone = source_->read(now_);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), Errc::kUnavailable);
  advance(5s);
  const auto still = source_->read(now_);
  ASSERT_FALSE(still);
  EXPECT_THAT(still.error().message(), HasSubstr("modprobe nvidia"));
  set("rates", kSuccess);
  set("init", kSuccess);
  advance(60s);
  EXPECT_EQ(read().size(), 2U);
}

TEST_F(NvmlTest, WhatKeepsItFromStartingIsSaidWithItsMend) {
  const std::vector<std::pair<int, const char*>> cases = {{kDriverNotLoaded, "modprobe nvidia"},
                                                          {kLibRmVersionMismatch, "reboot"},
                                                          {kNoPermission, "/dev/nvidia"},
                                                          {kUnknown, "does not start"}};
  for (const auto& [code, mend] : cases) {
    set("init", code);
    const auto source = NvmlSource::open(log::Log::silent());
    ASSERT_FALSE(source) << code;
    EXPECT_EQ(source.error().code(), Errc::kUnavailable);
    EXPECT_THAT(source.error().message(), HasSubstr(mend));
  }
  set("init", kSuccess);
  set("handle", kGpuIsLost);
  EXPECT_FALSE(NvmlSource::open(log::Log::silent())) << "no GPU that answers";
  EXPECT_EQ(find<int()>("fake_nvml_initialised")(), 0) << "every init has its shutdown";
}

TEST_F(NvmlTest, AMissingLibraryIsNamed) {
  ::setenv("GPUSCALE_NVML_PATH", "/nosuch/libnvidia-ml.so.1", 1);
  const auto source = NvmlSource::open(log::Log::silent());
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message(), HasSubstr("/nosuch/libnvidia-ml.so.1"));
}

TEST(Reaction, EveryCodeOfTheTableHasOne) {
  EXPECT_EQ(react(kSuccess), Reaction::kUse);
  EXPECT_EQ(react(kNotSupported), Reaction::kMask);
  EXPECT_EQ(react(kNoData), Reaction::kSkip);
  EXPECT_EQ(react(kGpuIsLost), Reaction::kDeviceState);
  EXPECT_EQ(react(kUninitialized), Reaction::kReinitialize);
  EXPECT_EQ(react(12345), Reaction::kDeviceState) << "a code of a later driver is trouble, not data";
  EXPECT_EQ(state_for(kGpuIsLost), DeviceState::kLost);
  EXPECT_EQ(state_for(kResetRequired), DeviceState::kNeedsReset);
  EXPECT_EQ(state_for(12345), DeviceState::kDriverError);
}

}  // namespace
}  // namespace gpuscale::gpu::nvml
