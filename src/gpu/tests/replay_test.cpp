// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gpu/open_source.h"
#include "gpu/replay/replay_source.h"

namespace gpuscale::gpu {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Two devices, a line a second for ten seconds: 10, 20 ... and 90, 80 ... percent.
std::string recording() {
  std::string text;
  for (int i = 0; i < 10; ++i) {
    const std::string time = std::to_string(1'700'000'000'000'000'000 + i * 1'000'000'000LL) + "\n";
    text += "gpu,gpu=0,uuid=GPU-a,model=M utilization_gpu=" + std::to_string(10 + 10 * i) + " " + time;
    text +=
        "gpu,gpu=1,uuid=GPU-b utilization_gpu=" + std::to_string(90 - 10 * i) + ",power_watts=300.5 " + time;
  }
  return text;
}

TEST(Recording, PlaysEachMomentAsItWasMeasured) {
  const auto parsed = parse_recording("r.lp", recording());
  ASSERT_TRUE(parsed) << parsed.error().message();
  const auto readings = play(*parsed, Nanos{-1}, 0s);
  ASSERT_EQ(readings.size(), 2U);
  EXPECT_EQ(readings[0].device.uuid, "GPU-a");
  EXPECT_EQ(readings[0].utilization_gpu, 10);
  EXPECT_EQ(readings[1].utilization_gpu, 90);
  EXPECT_EQ(readings[1].power_watts, 300.5);
  EXPECT_EQ(readings[0].power_watts, std::nullopt);
  EXPECT_EQ(play(*parsed, 0s, 3s)[0].utilization_gpu, 30) << "the mean of 20, 30 and 40";
}

TEST(Recording, ABadLineIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"gpu,gpu=0 utilization_gpu=1 1\nnonsense\n", "r.lp:2: "},
      {"gpu,gpu=0 utilization_gpu=120 1\n", "r.lp:1: "},
      {"gpu,gpu=0 utilization_gpu=\"text\" 1\n", "r.lp:1: "},
      {"gpu,gpu=0 utilization_gpu=1\n", "r.lp:1: "},
      {"gpu,gpu=0 utilization_gpu=1 7700000002000000000\n", "r.lp:1: its time is not between 1970 and 2096"},
      {"gpu,gpu=0 utilization_gpu=1 -5\n", "r.lp:1: its time is not between 1970 and 2096"},
      {"", "no line of measurement `gpu`"},
      {"cpu v=1 1\n", "no line of measurement `gpu`"},
  };
  for (const auto& [text, message] : cases) {
    const auto parsed = parse_recording("r.lp", text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr(message)) << text;
  }
}

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest()
      : file_(std::filesystem::temp_directory_path() / ("gpuscale-replay-" + std::to_string(::getpid()))) {
    std::ofstream(file_) << recording();
  }
  ~ReplayTest() override { std::filesystem::remove(file_); }
  std::string file_;
};

TEST_F(ReplayTest, RunsAtItsSpeedAndBeginsAnewAtItsEnd) {
  const auto source = open_source("replay:" + file_, {.node = "n", .replay_speed = 2}, log::Log::silent());
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ((*source)->name(), "replay");
  const WallTime start = base::from_unix_nanos(5'000'000'000);
  EXPECT_EQ((*source)->read(start)->at(0).utilization_gpu, 10);
  const auto later = *(*source)->read(start + 1s);
  EXPECT_EQ(later.at(0).utilization_gpu, 25) << "two recorded seconds in one: 20 and 30";
  EXPECT_EQ(later.at(0).at, start + 1s);
  for (int second = 2; second < 30; ++second) {
    const auto reading = (*source)->read(start + std::chrono::seconds{second})->at(0);
    ASSERT_EQ(reading.state, DeviceState::kOk);
    ASSERT_GE(*reading.utilization_gpu, 10);
    ASSERT_LE(*reading.utilization_gpu, 100);
  }
}

TEST_F(ReplayTest, BadSourcesAreNamed) {
  const auto open = [](const std::string& spec, double speed = 1) {
    const auto source = open_source(spec, {.node = "n", .replay_speed = speed}, log::Log::silent());
    return source ? std::string("opened ") + (*source)->name() : source.error().message();
  };
  EXPECT_THAT(open("replay:/nosuch"), HasSubstr("/nosuch"));
  EXPECT_THAT(open("replay:" + file_, 0), HasSubstr("speed"));
  EXPECT_THAT(open("cuda"), HasSubstr("one of auto, nvml, amdgpu, virtual, replay:FILE"));
  EXPECT_EQ(open("virtual"), "opened virtual");
}

TEST(OpenSource, AutoTakesTheVirtualDeviceWhereNoGpuAnswers) {
  ::setenv("GPUSCALE_NVML_PATH", "/nosuch", 1);
  const auto source = open_source("auto", {.node = "n"}, log::Log::silent());
  ::unsetenv("GPUSCALE_NVML_PATH");
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->name(), "virtual");
}

}  // namespace
}  // namespace gpuscale::gpu
