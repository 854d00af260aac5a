// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/presence.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gpuscale::gpu::nvml {
namespace {

class PresenceTest : public ::testing::Test {
 protected:
  PresenceTest() : root_(::testing::TempDir() + "gpuscale_presence_" + std::to_string(::getpid())) {
    std::filesystem::remove_all(root_);
  }
  ~PresenceTest() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(PresenceTest, KnowsADisplayControllerOfNvidiasOnTheBus) {
  EXPECT_FALSE(has_nvidia_device(root_)) << "no bus at all";
  write("/sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n");
  write("/sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n");
  write("/sys/bus/pci/devices/0000:01:00.1/vendor", "0x10de\n");
  write("/sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n");
  EXPECT_FALSE(has_nvidia_device(root_)) << "another's display and NVIDIA's sound";
  write("/sys/bus/pci/devices/0000:02:00.0/vendor", "0x10de\n");
  write("/sys/bus/pci/devices/0000:02:00.0/class", "0x030200\n");
  EXPECT_TRUE(has_nvidia_device(root_));
}

TEST_F(PresenceTest, ALoadedDriverIsEnough) {
  write("/proc/driver/nvidia/version", "NVRM version: 570.86\n");
  EXPECT_TRUE(has_nvidia_device(root_));
}

}  // namespace
}  // namespace gpuscale::gpu::nvml
