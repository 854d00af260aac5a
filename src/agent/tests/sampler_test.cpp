// SPDX-License-Identifier: Apache-2.0
#include "agent/sampler.h"

#include <gmock/gmock.h>

#include <condition_variable>

#include "base/system_clock.h"

namespace gpuscale::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const NodeIdentity kNode{"c", "gpu", "n-1"};

gpu::Reading reading(int index, std::optional<double> utilization) {
  gpu::Reading out;
  out.device = {index, "GPU-" + std::to_string(index), "Model X"};
  out.at = base::from_unix_nanos(7);
  out.utilization_gpu = utilization;
  return out;
}

TEST(Lines, AreLineProtocolWithWhatIsMeasuredAndNothingElse) {
  gpu::Reading full = reading(0, 45.5);
  full.memory_used_bytes = 10;
  gpu::Reading lost = reading(1, std::nullopt);
  lost.state = gpu::DeviceState::kLost;
  EXPECT_THAT(gpu_lines(kNode, {full, lost}),
              ElementsAre("gpu,cluster=c,gpu=0,model=Model\\ X,node=n-1,pool=gpu,uuid=GPU-0 "
                          "utilization_gpu=45.5,memory_used_bytes=10i 7\n"));
  EXPECT_THAT(gpu_lines(kNode, {reading(0, std::nullopt)}), IsEmpty()) << "no field, no line";
}

TEST(Lines, OfTheNodeAndItsServiceSayWhatIsKnown) {
  NodeReport report;
  report.devices_ok = 1;
  report.dropped = 2;
  EXPECT_EQ(
      node_line(kNode, report, base::from_unix_nanos(9)),
      "node,cluster=c,node=n-1,pool=gpu "
      "devices_ok=1i,devices_failed=0i,agent_dropped=2i,agent_buffered=0i,sampler_state=\"starting\" 9\n");
  report.source = FeedState::kHung;
  report.source_reason = "the driver's nvmlInit_v2 has not answered for 6 s";
  report.sample_age_seconds = 7.5;
  EXPECT_THAT(node_line(kNode, report, base::from_unix_nanos(9)),
              ::testing::HasSubstr("sampler_state=\"hung\",sampler_reason=\"the driver's nvmlInit_v2 has not "
                                   "answered for 6 s\",sample_age_seconds=7.5"));
  report.in_flight = 3;
  report.draining = true;
  EXPECT_THAT(node_line(kNode, report, base::from_unix_nanos(9)),
              ::testing::HasSubstr("in_flight=3i,draining=true"));
  EXPECT_EQ(inference_line(kNode, {5, Nanos{20ms}, Nanos{40ms}}, base::from_unix_nanos(9)),
            "inference,cluster=c,node=n-1,pool=gpu requests=5i,latency_p50_ms=20,latency_p99_ms=40 9\n");
}

/// A driver that a test can make hang.
class HangingSource final : public gpu::GpuSource {
 public:
  std::string name() const override { return "fake"; }
  Result<std::vector<gpu::Reading>> read(WallTime now) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !hanging_; });
    if (broken_) return fail(Errc::kUnavailable, "the driver is gone");
    gpu::Reading out = reading(0, 50);
    out.at = now;
    return std::vector{out};
  }
  void hang(bool on) {
    const std::scoped_lock lock(mutex_);
    hanging_ = on;
    changed_.notify_all();
  }
  void break_down() {
    const std::scoped_lock lock(mutex_);
    broken_ = true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hanging_ = false;
  bool broken_ = false;
};

TEST(Sampler, ADriverThatHangsHoldsUpNothing) {
  const base::SystemClock clock;
  HangingSource source;
  Sampler sampler(source, clock, log::Log::silent());
  EXPECT_THAT(sampler.sample(clock.mono() + 20s), SizeIs(1));
  source.hang(true);
  EXPECT_THAT(sampler.sample(clock.mono()), IsEmpty());
  EXPECT_THAT(sampler.sample(clock.mono()), IsEmpty());
  EXPECT_EQ(sampler.sight().readings.size(), 1U) << "the newest there was";
  source.hang(false);
  EXPECT_THAT(sampler.sample(clock.mono() + 20s), SizeIs(1));
}

TEST(Sampler, ADriverThatIsGoneLeavesNoDeviceOk) {
  const base::SystemClock clock;
  HangingSource source;
  Sampler sampler(source, clock, log::Log::silent());
  EXPECT_THAT(sampler.sample(clock.mono() + 20s), SizeIs(1));
  EXPECT_EQ(sampler.sight().ok(), 1);
  source.break_down();
  EXPECT_THAT(sampler.sample(clock.mono() + 20s), IsEmpty());
  EXPECT_EQ(sampler.sight().ok(), 0);
  EXPECT_EQ(sampler.sight().failed(), 1);
  EXPECT_EQ(sampler.sight().error, "the driver is gone");
}

}  // namespace
}  // namespace gpuscale::agent
