// SPDX-License-Identifier: Apache-2.0
/// Real sampler processes over the fake driver, told what to do by a file.
#include "agent/sampler_process.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/sampler_child.h"
#include "base/system_clock.h"
#include "gpu/signals.h"

namespace gpuscale::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class SamplerProcessTest : public ::testing::Test {
 protected:
  SamplerProcessTest() : script_(::testing::TempDir() + "gpuscale_fake_nvml_" + std::to_string(::getpid())) {
    ::setenv("GPUSCALE_NVML_PATH", GPUSCALE_FAKE_NVML, 1);
    ::setenv("FAKE_NVML_SCRIPT", script_.c_str(), 1);
    driver("");
    options_.command = {GPUSCALE_TEST_SAMPLER, kSamplerWord, "nvml", "off"};
    options_.patience = {.hang_after = 300ms, .end_within = 300ms, .restart = {10ms, 100ms, 0}};
  }
  ~SamplerProcessTest() override {
    process_.reset();
    ::unsetenv("GPUSCALE_NVML_PATH");
    ::unsetenv("FAKE_NVML_SCRIPT");
    std::filesystem::remove(script_);
  }
  /// What the fake driver does from now on, in lines "call code" or "call hang".
  void driver(const std::string& script) {
    std::ofstream(script_ + ".new") << script;
    std::filesystem::rename(script_ + ".new", script_);
  }
  void start() { process_ = std::make_unique<SamplerProcess>(options_, clock_, log::Log::silent()); }
  /// Samples until the feed is in `state`.
  Sight until(FeedState state) {
    const MonoTime deadline = clock_.mono() + 30s;
    while (process_->sight().state != state && clock_.mono() < deadline) {
      newest_ = process_->sample(clock_.mono() + 50ms);
    }
    EXPECT_EQ(to_string(process_->sight().state), to_string(state)) << process_->sight().error;
    return process_->sight();
  }

  const std::string script_;
  const base::SystemClock clock_;
  SamplerProcessOptions options_;
  std::unique_ptr<SamplerProcess> process_;
  std::vector<gpu::Reading> newest_;
};

TEST_F(SamplerProcessTest, BringsReadingsFromAnotherProcess) {
  start();
  const Sight sight = until(FeedState::kOk);
  ASSERT_EQ(sight.readings.size(), 2U);
  EXPECT_EQ(sight.ok(), 2);
  EXPECT_EQ(sight.readings[1].device.uuid, "GPU-1");
  EXPECT_EQ(sight.readings[0].power_watts_last, 312.5);
  EXPECT_EQ(sight.readings[0].queue_depth, std::nullopt);
  EXPECT_GT(sight.child, 0);
  EXPECT_NE(sight.child, ::getpid());
}

TEST_F(SamplerProcessTest, AHungCallCostsOneChildAndIsNamed) {
  start();
  const std::int64_t first = until(FeedState::kOk).child;
  driver("memory2 hang");
  const Sight hung = until(FeedState::kHung);
  EXPECT_THAT(hung.error, HasSubstr("nvmlDeviceGetMemoryInfo_v2 has not answered"));
  EXPECT_EQ(hung.ok(), 0);
  EXPECT_EQ(hung.readings.size(), 2U) << "the newest there were";
  driver("");
  const Sight well = until(FeedState::kOk);
  EXPECT_NE(well.child, first);
  EXPECT_GE(well.restarts, 1U);
}

TEST_F(SamplerProcessTest, ADeviceGivenBackToTheDriverIsNotOpenedAtOnce) {
  options_.patience.give_way_for = 400ms;
  start();
  const std::int64_t first = until(FeedState::kOk).child;
  driver("unbind 1");
  EXPECT_THAT(until(FeedState::kUnavailable).error, HasSubstr("leaving the NVIDIA driver"));
  const MonoTime ended = clock_.mono();
  driver("");
  EXPECT_NE(until(FeedState::kOk).child, first);
  EXPECT_GE(clock_.mono() - ended, 300ms) << "a fresh process would hold the device again";
}

TEST_F(SamplerProcessTest, AKilledChildIsReplaced) {
  start();
  const Sight before = until(FeedState::kOk);
  ::kill(static_cast<pid_t>(before.child), SIGKILL);
  const Sight crashed = until(FeedState::kCrashed);
  EXPECT_THAT(crashed.error, HasSubstr("signal 9"));
  EXPECT_NE(until(FeedState::kOk).child, before.child);
}

TEST_F(SamplerProcessTest, ACrashInsideTheDriverNamesTheCall) {
  start();
  until(FeedState::kOk);
  driver("power crash");
  EXPECT_THAT(until(FeedState::kCrashed).error, HasSubstr("inside the driver's nvmlDeviceGetPowerUsage"));
  driver("");
  until(FeedState::kOk);
}

TEST_F(SamplerProcessTest, ADriverThatIsUpgradedUnderneathIsAMismatchUntilItIsReloaded) {
  start();
  until(FeedState::kOk);
  driver("init 18\nrates 18");
  EXPECT_THAT(until(FeedState::kDriverMismatch).error, HasSubstr("different versions"));
  driver("init 9");
  EXPECT_THAT(until(FeedState::kUnavailable).error, HasSubstr("modprobe nvidia"));
  driver("");
  EXPECT_EQ(until(FeedState::kOk).ok(), 2);
}

TEST_F(SamplerProcessTest, AProgramThatIsNotThereIsSaid) {
  options_.command = {"/nosuch/program", "x"};
  start();
  EXPECT_THAT(until(FeedState::kCrashed).error, HasSubstr("/nosuch/program"));
}

TEST_F(SamplerProcessTest, TheChildEndsWithItsSupervisor) {
  start();
  const auto child = static_cast<pid_t>(until(FeedState::kOk).child);
  process_.reset();
  EXPECT_EQ(::kill(child, 0), -1) << "gone, and waited for";
}

TEST(SharedRecord, CarriesAReadingWholeAndCutsWhatIsTooLong) {
  gpu::Reading reading;
  reading.device = {.index = 3,
                    .uuid = "MIG-1",
                    .model = std::string(200, 'm'),
                    .pci_bus_id = "0:1",
                    .mig = gpu::MigIdentity{7, 1, "1g.10gb", "GPU-1"}};
  reading.state = gpu::DeviceState::kNeedsReset;
  reading.at = base::from_unix_nanos(42);
  double number = 0.5;
  for (const auto& signal : gpu::real_signals()) reading.*signal.value = number++;
  std::int64_t whole = 1;
  for (const auto& signal : gpu::whole_signals()) reading.*signal.value = whole++;
  reading.power_watts.reset();
  reading.processes = {{1, 2, std::nullopt}, {3, std::nullopt, 4.0}};
  reading.xids = {{79, 2, base::from_unix_nanos(7)}};
  DeviceRecord record{};
  encode(reading, record);
  const gpu::Reading back = decode(record);
  EXPECT_EQ(back.device.model, std::string(95, 'm'));
  EXPECT_EQ(back.device.mig->parent_uuid, "GPU-1");
  EXPECT_EQ(back.state, gpu::DeviceState::kNeedsReset);
  EXPECT_EQ(back.at, reading.at);
  for (const auto& signal : gpu::real_signals()) EXPECT_EQ(back.*signal.value, reading.*signal.value);
  for (const auto& signal : gpu::whole_signals()) EXPECT_EQ(back.*signal.value, reading.*signal.value);
  EXPECT_EQ(back.processes[0].utilization_gpu, std::nullopt);
  EXPECT_EQ(back.processes[1].utilization_gpu, 4.0);
  EXPECT_EQ(back.xids[0].count, 2);
  EXPECT_LE(gpu::real_signals().size(), kMaxSharedSignals);
  EXPECT_LE(gpu::whole_signals().size(), kMaxSharedSignals);
}

}  // namespace
}  // namespace gpuscale::agent
