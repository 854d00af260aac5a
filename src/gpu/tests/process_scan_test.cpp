// SPDX-License-Identifier: Apache-2.0
/// A tree of files as /proc and KFD's sysfs lay them out.
#include "gpu/amdgpu/process_scan.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gpuscale::gpu::amdgpu {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kDevice = "0000:c1:00.0";

std::string fdinfo(std::int64_t client, std::int64_t kib, std::int64_t gfx_ns, std::int64_t compute_ns) {
  return "pos:\t0\nflags:\t02100002\nmnt_id:\t24\ndrm-driver:\tamdgpu\ndrm-client-id:\t" +
         std::to_string(client) + "\ndrm-pdev:\t" + kDevice + "\ndrm-memory-vram:\t" + std::to_string(kib) +
         " KiB\ndrm-memory-gtt: \t2000 KiB\ndrm-engine-gfx:\t" + std::to_string(gfx_ns) +
         " ns\ndrm-engine-compute:\t" + std::to_string(compute_ns) + " ns\ndrm-engine-dec:\t999999 ns\n";
}

TEST(Fdinfo, IsReadWhateverTheKernelLeavesOut) {
  const auto whole = parse_fdinfo(fdinfo(42, 1024, 300, 500));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->pci_bus_id, kDevice);
  EXPECT_EQ(whole->client, 42);
  EXPECT_EQ(whole->vram_bytes, 1024 * 1024);
  EXPECT_EQ(whole->busy_ns, 800) << "graphics and compute, not the decoder";
  const auto newer = parse_fdinfo(fdinfo(42, 1024, 0, 0) + "drm-resident-vram:\t3 MiB\n");
  EXPECT_EQ(newer->vram_bytes, 3 << 20) << "what is resident, not what was asked for";
  const auto bare = parse_fdinfo("drm-driver:\tamdgpu\ndrm-pdev:\t0000:03:00.0\ndrm-client-id:\t7\n");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->vram_bytes, std::nullopt);
  EXPECT_EQ(bare->busy_ns, std::nullopt);
}

TEST(Fdinfo, OfAnotherDriverOrBrokenIsNothing) {
  for (const char* text :
       {"", "pos:\t0\nflags:\t02\n", "drm-driver:\ti915\ndrm-pdev:\t0000:00:02.0\ndrm-client-id:\t7\n",
        "drm-driver:\tamdgpu\ndrm-client-id:\t7\n", "drm-driver:\tamdgpu\ndrm-pdev:\tx\ndrm-client-id:\t-7\n",
        "drm-driver:\tamdgpu\ndrm-pdev:\tx\ndrm-client-id:\t7x\n"}) {
    EXPECT_FALSE(parse_fdinfo(text)) << text;
  }
  const auto odd = parse_fdinfo(
      "drm-driver:\tamdgpu\ndrm-pdev:\tx\ndrm-client-id:\t7\ndrm-memory-vram:\t9223372036854775807 MiB\n"
      "drm-engine-gfx:\t9223372036854775807 ns\n");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->vram_bytes, std::nullopt);
  EXPECT_EQ(odd->busy_ns, std::nullopt);
}

class ProcessScanTest : public ::testing::Test {
 protected:
  ProcessScanTest() : root_(::testing::TempDir() + "gpuscale_process_scan_" + std::to_string(::getpid())) {
    fs::remove_all(root_);
    fs::create_directories(root_ + "/proc");
  }
  ~ProcessScanTest() override { fs::remove_all(root_); }
  void write(const std::string& file, const std::string& text) const {
    const fs::path path = root_ + file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void open_file(int pid, int descriptor, const std::string& target, const std::string& info) const {
    const std::string process = root_ + "/proc/" + std::to_string(pid);
    fs::create_directories(process + "/fd");
    const std::string link = process + "/fd/" + std::to_string(descriptor);
    if (!fs::is_symlink(link)) fs::create_symlink(target, link);
    write("/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(descriptor), info);
  }
  void compute_device(int node, const std::string& id, int location) const {
    const std::string folder = "/sys/class/kfd/kfd/topology/nodes/" + std::to_string(node);
    write(folder + "/gpu_id", id + "\n");
    write(folder + "/properties",
          "cpu_cores_count 0\nsimd_count 304\nlocation_id " + std::to_string(location) + "\ndomain 0\n");
  }

  const std::string root_;
  ProcessScan scan_{root_, nullptr};
  const WallTime now_ = base::from_unix_nanos(1'700'000'000'000'000'000);
};

TEST_F(ProcessScanTest, CountsAClientOnceHoweverManyFilesItHas) {
  open_file(10, 3, "/dev/dri/renderD128", fdinfo(1, 100, 0, 0));
  open_file(10, 4, "/dev/dri/renderD128", fdinfo(1, 100, 0, 0));
  open_file(10, 5, "/dev/dri/renderD128", fdinfo(2, 50, 0, 0));
  open_file(11, 3, "/dev/dri/renderD128", fdinfo(3, 400, 0, 0));
  open_file(12, 3, "/dev/null", fdinfo(4, 400, 0, 0));
  write("/proc/uptime", "1");
  const DeviceProcesses found = scan_.look(now_);
  EXPECT_TRUE(found.complete);
  ASSERT_EQ(found.by_device.size(), 1U);
  const std::vector<ProcessUse>& processes = found.by_device.at(kDevice);
  ASSERT_EQ(processes.size(), 2U);
  EXPECT_EQ(processes[0].pid, 11) << "the largest first";
  EXPECT_EQ(processes[1].memory_bytes, 150 * 1024);
  EXPECT_EQ(processes[1].utilization_gpu, std::nullopt) << "there is no time yet to have it of";
}

TEST_F(ProcessScanTest, UtilizationIsTheEnginesTimeBetweenTwoLooks) {
  open_file(10, 3, "/dev/dri/renderD128", fdinfo(1, 100, 1'000, 0));
  scan_.look(now_);
  open_file(10, 3, "/dev/dri/renderD128", fdinfo(1, 100, 1'000 + 2'000'000'000, 500'000'000));
  open_file(10, 4, "/dev/dri/renderD128", fdinfo(2, 100, 9'000'000'000, 0));
  EXPECT_EQ(scan_.look(now_ + 10s).by_device.at(kDevice)[0].utilization_gpu, 25)
      << "a new client has no past";
  open_file(10, 3, "/dev/dri/renderD128", fdinfo(1, 100, 5, 0));
  EXPECT_EQ(scan_.look(now_ + 20s).by_device.at(kDevice)[0].utilization_gpu, 0)
      << "of the other client; one went back";
  EXPECT_EQ(scan_.look(now_ + 20s).by_device.at(kDevice)[0].utilization_gpu, std::nullopt)
      << "no time went by";
}

TEST_F(ProcessScanTest, TheComputeDriverKnowsWhatNoOpenFileShows) {
  compute_device(0, "0", 0);
  compute_device(1, "50432", 0xc100);
  open_file(10, 3, "/dev/dri/renderD128", fdinfo(1, 1, 0, 0));
  write("/sys/class/kfd/kfd/proc/10/vram_50432", "5000\n");
  write("/sys/class/kfd/kfd/proc/20/vram_50432", "70000\n");
  write("/sys/class/kfd/kfd/proc/30/vram_50432", "0\n");
  write("/sys/class/kfd/kfd/proc/40/vram_50432", "broken");
  const std::vector<ProcessUse> processes = scan_.look(now_).by_device.at(kDevice);
  ASSERT_EQ(processes.size(), 2U);
  EXPECT_EQ(processes[0].pid, 20);
  EXPECT_EQ(processes[0].memory_bytes, 70000);
  EXPECT_EQ(processes[1].memory_bytes, 5000) << "the larger of two that count the same memory";
}

TEST_F(ProcessScanTest, WhatTheKernelHidesMakesItIncomplete) {
  if (::geteuid() == 0) GTEST_SKIP() << "root sees everything";
  open_file(10, 3, "/dev/dri/renderD128", fdinfo(1, 1, 0, 0));
  fs::create_directories(root_ + "/proc/11/fd");
  fs::permissions(root_ + "/proc/11/fd", fs::perms::none);
  const DeviceProcesses found = scan_.look(now_);
  fs::permissions(root_ + "/proc/11/fd", fs::perms::owner_all);
  EXPECT_FALSE(found.complete);
  EXPECT_EQ(found.by_device.at(kDevice).size(), 1U);
}

TEST_F(ProcessScanTest, WithoutProcNothingIsKnownNotNothingThere) {
  const DeviceProcesses found = ProcessScan("/nosuch", nullptr).look(now_);
  EXPECT_TRUE(found.by_device.empty());
  EXPECT_FALSE(found.complete);
}

}  // namespace
}  // namespace gpuscale::gpu::amdgpu
