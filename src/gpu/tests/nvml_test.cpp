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
  explicit NvmlTest(const char* library = GPUSCALE_FAKE_NVML) : image_(::dlopen(library, RTLD_NOW)) {
    ::setenv("GPUSCALE_NVML_PATH", library, 1);
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
  set("energy", kNotSupported);
  set("fields", kNotSupported);
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

TEST_F(NvmlTest, ReadsWhatHopperMeasuresWithoutDcgm) {
  open();
  read();
  advance(1s);
  const auto readings = read();
  const Reading& first = readings[0];
  EXPECT_EQ(first.device.pci_bus_id, "00000000:01:00.0");
  EXPECT_EQ(first.driver_version, "570.86.15");
  EXPECT_EQ(first.sm_active, 20);
  EXPECT_EQ(first.tensor_active, 50);
  EXPECT_EQ(first.dram_active, 100);
  EXPECT_EQ(first.sm_occupancy, std::nullopt) << "the driver said NaN";
  EXPECT_EQ(first.fp64_active, std::nullopt) << "not supported";
  EXPECT_EQ(first.pcie_tx_bytes_per_second, 1.5 * (1 << 20));
  EXPECT_EQ(first.utilization_gpu_min, 50);
  EXPECT_EQ(first.utilization_encoder, 3);
  EXPECT_NEAR(*first.power_watts, 312.5, 0.01) << "from the energy counter";
  EXPECT_EQ(first.power_watts_last, 312.5);
  EXPECT_EQ(first.temperature_memory_celsius, 55) << "though its type says double";
  EXPECT_EQ(first.throttle_reasons, 4);
  EXPECT_EQ(first.memory_free_bytes, 600);
  EXPECT_EQ(first.memory_reserved_bytes, 100);
  EXPECT_EQ(first.process_count, 2);
  EXPECT_EQ(first.processes[0].pid, 100);
  EXPECT_EQ(first.processes[0].memory_bytes, 1'000);
  EXPECT_EQ(first.processes[0].utilization_gpu, 30) << "without the sample that is no percentage";
  EXPECT_EQ(first.processes[1].memory_bytes, std::nullopt) << "a sentinel";
}

TEST_F(NvmlTest, SlowValuesAreReadEveryTenSecondsAndRepeatedInBetween) {
  open();
  const auto first = read();
  EXPECT_TRUE(first[0].slow_is_fresh);
  EXPECT_EQ(first[0].ecc_corrected_volatile, std::nullopt) << "never filled in: ECC is off";
  EXPECT_EQ(first[0].ecc_corrected_aggregate, std::nullopt) << "a sentinel";
  EXPECT_EQ(first[0].remapped_rows_uncorrected, 2);
  EXPECT_EQ(first[0].pcie_link_width, 16);
  EXPECT_EQ(first[0].sm_clock_max_mhz, 1'980);
  advance(1s);
  const auto second = read();
  EXPECT_FALSE(second[0].slow_is_fresh);
  EXPECT_EQ(second[0].remapped_rows_uncorrected, 2);
  advance(10s);
  EXPECT_TRUE(read()[0].slow_is_fresh);
}

TEST_F(NvmlTest, WithoutGpmTheLinksAreMeasuredByTheirCounters) {
  set("gpm", kNotSupported);
  open();
  read();
  advance(2s);
  const auto readings = read();
  EXPECT_EQ(readings[0].sm_active, std::nullopt);
  EXPECT_NEAR(*readings[0].nvlink_tx_bytes_per_second, 1024 * 1000, 1);
  EXPECT_EQ(readings[0].pcie_tx_bytes_per_second, std::nullopt);
}

TEST_F(NvmlTest, GlancesKeepThePowerPeakOfTheInterval) {
  open();
  read();
  source_->glance();
  advance(1s);
  EXPECT_EQ(read()[0].power_watts_max, 312.5);
}

TEST_F(NvmlTest, CountsXidsPerCode) {
  open();
  EXPECT_EQ(read()[0].xid_total, 0);
  for (const std::uint64_t code : {79U, 31U, 79U}) find<void(int, std::uint64_t)>("fake_nvml_xid")(1, code);
  const auto readings = read();
  EXPECT_EQ(readings[0].xid_total, 0);
  EXPECT_EQ(readings[0].xid_last, std::nullopt);
  EXPECT_EQ(readings[1].xid_total, 3);
  EXPECT_EQ(readings[1].xid_last, 79);
  ASSERT_EQ(readings[1].xids.size(), 2U);
  EXPECT_EQ(readings[1].xids[0].count, 2);
}

TEST_F(NvmlTest, SlicesAreDevicesOfTheirOwnAndGoWhenTheyAreTakenAway) {
  find<void(int)>("fake_nvml_slices")(2);
  open();
  read();
  advance(1s);
  const auto readings = read();
  ASSERT_EQ(readings.size(), 4U);
  EXPECT_EQ(readings[0].device.uuid, "GPU-0");
  const Reading& slice = readings[1];
  EXPECT_EQ(slice.device.index, 0);
  ASSERT_TRUE(slice.device.mig);
  EXPECT_EQ(slice.device.mig->profile, "1g.10gb");
  EXPECT_EQ(slice.device.mig->gpu_instance, 7);
  EXPECT_EQ(slice.device.mig->parent_uuid, "GPU-0");
  EXPECT_EQ(slice.memory_used_bytes, 300);
  EXPECT_EQ(slice.sm_active, 20);
  EXPECT_EQ(slice.utilization_gpu, std::nullopt);
  find<void(int)>("fake_nvml_slices")(0);
  EXPECT_EQ(read().size(), 2U);
}

TEST_F(NvmlTest, AThousandReloadsAndSliceChangesLeaveNothingBehind) {
  open();
  for (int i = 0; i < 1'000; ++i) {
    find<void(int)>("fake_nvml_slices")(i % 4);
    advance(1s);
    if (i % 2 == 0) {
      set("rates", kUninitialized);
      EXPECT_FALSE(source_->read(now_));
      set("rates", kSuccess);
      advance(60s);
    }
    read();
  }
  EXPECT_LE(find<int()>("fake_nvml_gpm_samples")(), 2 * 5);
  EXPECT_EQ(find<int()>("fake_nvml_initialised")(), 1);
  source_.reset();
  EXPECT_EQ(find<int()>("fake_nvml_gpm_samples")(), 0);
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

TEST_F(NvmlTest, ADeviceThatIsToLeaveItsDriverIsLetGoWithinAGlance) {
  open();
  read();
  const auto binding = find<void(std::uint64_t, std::uint32_t)>("fake_nvml_binding");
  const auto initialised = find<int()>("fake_nvml_initialised");
  binding(kSystemEventUnbind, 1);
  EXPECT_FALSE(source_->gave_way());
  source_->glance();
  EXPECT_TRUE(source_->gave_way());
  EXPECT_EQ(initialised(), 0) << "an initialised library holds the device files open";
  EXPECT_EQ(find<int()>("fake_nvml_system_event_sets")(), 0);
  const auto gone = source_->read(now_);
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().message(), HasSubstr("leaving the NVIDIA driver"));
  advance(4s);
  EXPECT_FALSE(source_->read(now_));
  EXPECT_EQ(initialised(), 0);
  find<void(int)>("fake_nvml_devices")(1);
  advance(2s);
  EXPECT_EQ(read().size(), 1U + 1U) << "the one that left is lost, not forgotten";
  EXPECT_FALSE(source_->gave_way());
  EXPECT_EQ(find<int()>("fake_nvml_system_event_sets")(), 1);
}

TEST_F(NvmlTest, ADeviceThatComesToTheDriverIsFoundAtTheNextReading) {
  find<void(int)>("fake_nvml_devices")(1);
  open();
  EXPECT_EQ(read().size(), 1U);
  find<void(int)>("fake_nvml_devices")(2);
  find<void(std::uint64_t, std::uint32_t)>("fake_nvml_binding")(kSystemEventBind, 7);
  advance(1s);
  EXPECT_EQ(read().size(), 2U);
  EXPECT_FALSE(source_->gave_way());
}

TEST_F(NvmlTest, ADriverThatTellsNothingOfItsDevicesComingIsReadAllTheSame) {
  set("system_events", kNoPermission);
  open();
  source_->glance();
  EXPECT_EQ(read().size(), 2U);
}

TEST_F(NvmlTest, AClockThatIsSetBackByADayPutsNothingOff) {
  open();
  read();
  set("rates", kUninitialized);
  set("init", kDriverNotLoaded);
  EXPECT_FALSE(source_->read(now_));
  EXPECT_FALSE(source_->read(now_));
  set("rates", kSuccess);
  set("init", kSuccess);
  now_ -= 24h;
  EXPECT_TRUE(read()[0].slow_is_fresh);
  set("handle/1", kGpuIsLost);
  set("rates/1", kGpuIsLost);
  EXPECT_EQ(read()[1].state, DeviceState::kLost);
  set("handle/1", kSuccess);
  set("rates/1", kSuccess);
  now_ -= 24h;
  read();
  advance(1s);
  EXPECT_EQ(read()[1].state, DeviceState::kOk);
}

TEST_F(NvmlTest, WhatKeepsItFromStartingIsSaidWithItsMend) {
  struct Case {
    int code;
    Errc error;
    const char* mend;
  };
  const std::vector<Case> cases = {{kDriverNotLoaded, Errc::kUnavailable, "modprobe nvidia"},
                                   {kLibRmVersionMismatch, Errc::kConflict, "reboot"},
                                   {kNoPermission, Errc::kForbidden, "/dev/nvidia"},
                                   {kUnknown, Errc::kUnavailable, "does not start"}};
  for (const auto& [code, error, mend] : cases) {
    set("init", code);
    const auto source = NvmlSource::open(log::Log::silent());
    ASSERT_FALSE(source) << code;
    EXPECT_EQ(source.error().code(), error);
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

class OldDriver : public NvmlTest {
 protected:
  OldDriver() : NvmlTest(GPUSCALE_FAKE_NVML_R450) {}
};

TEST_F(OldDriver, GivesWhatItHasAndTheRestIsAbsent) {
  open();
  advance(1s);
  const Reading reading = read()[0];
  EXPECT_EQ(reading.state, DeviceState::kOk);
  EXPECT_EQ(reading.memory_used_bytes, 400) << "of the first version, which counts what is reserved as used";
  EXPECT_EQ(reading.memory_reserved_bytes, std::nullopt);
  EXPECT_TRUE(reading.utilization_gpu) << "the sample ring is as old as this driver";
  EXPECT_EQ(reading.sm_active, std::nullopt) << "profiling values came with R520";
  ASSERT_EQ(reading.processes.size(), 2U) << "of 16 bytes each";
  EXPECT_EQ(reading.processes[0].pid, 100);
  EXPECT_EQ(reading.processes[0].memory_bytes, 1'000);
  EXPECT_EQ(reading.processes[1].pid, 200);
  EXPECT_EQ(reading.processes[1].memory_bytes, std::nullopt);
}

class WideProcesses : public NvmlTest {
 protected:
  WideProcesses() : NvmlTest(GPUSCALE_FAKE_NVML_WIDE) {}
};

TEST_F(WideProcesses, AreReadInTheirOwnLayoutNotShuffled) {
  open();
  advance(1s);
  const Reading reading = read()[0];
  ASSERT_EQ(reading.processes.size(), 2U);
  EXPECT_EQ(reading.processes[0].pid, 100);
  EXPECT_EQ(reading.processes[0].memory_bytes, 1'000);
  EXPECT_EQ(reading.processes[1].pid, 200);
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
