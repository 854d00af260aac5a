// SPDX-License-Identifier: Apache-2.0
/// A sysfs tree of files.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "gpu/amdgpu/amdgpu_source.h"

namespace gpuscale::gpu::amdgpu {
namespace {

using namespace std::chrono_literals;

class AmdgpuTest : public ::testing::Test {
 protected:
  AmdgpuTest() : root_(::testing::TempDir() + "gpuscale_amdgpu_" + std::to_string(::getpid())) {
    std::filesystem::remove_all(root_);
  }
  ~AmdgpuTest() override { std::filesystem::remove_all(root_); }
  void write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = root_ + "/sys/class/drm/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << '\n';
  }
  void add_card(const std::string& card) {
    const std::string device = card + "/device/";
    write(device + "vendor", "0x1002");
    write(device + "uevent", "DRIVER=amdgpu\nPCI_ID=1002:74A1\nPCI_SLOT_NAME=0000:c1:00.0");
    write(device + "unique_id", "8f2c");
    write(device + "gpu_busy_percent", "45");
    write(device + "mem_busy_percent", "30");
    write(device + "mem_info_vram_used", "1000");
    write(device + "mem_info_vram_total", "4000");
    write(device + "power/runtime_status", "active");
    write(device + "hwmon/hwmon3/name", "amdgpu");
    write(device + "hwmon/hwmon3/power1_average", "250500000");
    write(device + "hwmon/hwmon3/power1_cap", "750000000");
    write(device + "hwmon/hwmon3/temp2_label", "junction");
    write(device + "hwmon/hwmon3/temp2_input", "61000");
    write(device + "hwmon/hwmon3/temp3_label", "mem");
    write(device + "hwmon/hwmon3/temp3_input", "55000");
    write(device + "hwmon/hwmon3/freq1_input", "2100000000");
  }
  void open() { source_ = AmdgpuSource::open(log::Log::silent(), nullptr, root_).value(); }
  /// Format 1.6, with these counters in it and all else unknown.
  void write_table(const std::string& card, std::uint64_t energy, std::uint32_t cycles, std::uint32_t gpu,
                   std::uint32_t memory) {
    std::string table(184, '\xff');
    const auto put = [&table](std::size_t at, auto value) {
      std::memcpy(table.data() + at, &value, sizeof value);
    };
    put(0, std::uint16_t{184});
    table[2] = 1;
    table[3] = 6;
    put(88, energy);
    put(104, cycles);
    put(144, gpu);
    put(148, memory);
    write(card + "/device/gpu_metrics", table);
  }
  Reading read(Nanos after) { return source_->read(base::from_unix_nanos(7) + after).value().at(0); }
  Reading read() { return source_->read(base::from_unix_nanos(7)).value().at(0); }

  const std::string root_;
  std::unique_ptr<AmdgpuSource> source_;
};

TEST_F(AmdgpuTest, ReadsWhatTheDriverShows) {
  add_card("card1");
  write("card0/device/vendor", "0x10de");
  open();
  const Reading reading = read();
  EXPECT_EQ(reading.device.uuid, "AMD-8f2c");
  EXPECT_EQ(reading.device.model, "AMD 1002:74A1");
  EXPECT_EQ(reading.device.pci_bus_id, "0000:c1:00.0");
  EXPECT_EQ(reading.device.index, 0);
  EXPECT_EQ(reading.utilization_gpu, 45);
  EXPECT_EQ(reading.utilization_memory, 30);
  EXPECT_EQ(reading.memory_used_bytes, 1000);
  EXPECT_EQ(reading.memory_free_bytes, 3000);
  EXPECT_NEAR(*reading.power_watts, 250.5, 1e-9);
  EXPECT_NEAR(*reading.power_limit_watts, 750, 1e-9);
  EXPECT_EQ(reading.temperature_celsius, 61) << "MI300 has no edge sensor";
  EXPECT_EQ(reading.temperature_memory_celsius, 55);
  EXPECT_NEAR(*reading.sm_clock_mhz, 2100, 1e-9);
  EXPECT_EQ(reading.memory_clock_mhz, std::nullopt);
}

TEST_F(AmdgpuTest, TheFirmwaresCountersMakeMeansOfTheInterval) {
  add_card("card0");
  open();
  write_table("card0", 65'536 * 1'000, 100, 4'000, 2'000);
  EXPECT_EQ(read(1s).utilization_gpu, 45) << "the first read has nothing before it";
  write_table("card0", 65'536 * 1'300, 200, 4'000 + 75 * 100, 2'000 + 20 * 100);
  const Reading reading = read(2s);
  EXPECT_NEAR(*reading.utilization_gpu, 75, 1e-9);
  EXPECT_EQ(reading.utilization_gpu_last, 45);
  EXPECT_NEAR(*reading.utilization_memory, 20, 1e-9);
  EXPECT_NEAR(*reading.power_watts, 300, 1e-9);
  EXPECT_NEAR(*reading.power_watts_last, 250.5, 1e-9);
  EXPECT_NEAR(*reading.energy_joules, 1'300, 1e-9);
  write_table("card0", 65'536, 3, 30, 30);
  EXPECT_EQ(read(3s).utilization_gpu, 45) << "after a reset of the firmware its counters tell nothing";
}

TEST_F(AmdgpuTest, ProcessesAreLookedForTwiceAMinute) {
  add_card("card0");
  const auto add_process = [this](const std::string& pid) {
    const std::string process = root_ + "/proc/" + pid;
    std::filesystem::create_directories(process + "/fd");
    std::filesystem::create_directories(process + "/fdinfo");
    std::filesystem::create_symlink("/dev/dri/renderD128", process + "/fd/3");
    std::ofstream(process + "/fdinfo/3")
        << "drm-driver:\tamdgpu\ndrm-pdev:\t0000:c1:00.0\ndrm-client-id:\t1\n"
        << "drm-memory-vram:\t8 KiB\n";
  };
  open();
  EXPECT_EQ(read(0s).process_count, std::nullopt) << "no /proc to look in";
  add_process("77");
  EXPECT_TRUE(read(29s).processes.empty());
  const Reading later = read(30s);
  ASSERT_EQ(later.processes.size(), 1U);
  EXPECT_EQ(later.processes[0].pid, 77);
  EXPECT_EQ(later.processes[0].memory_bytes, 8192);
  EXPECT_EQ(later.process_count, 1);
  add_process("78");
  EXPECT_EQ(read(1s).process_count, 2) << "a clock that went back";
}

TEST_F(AmdgpuTest, LeavesASuspendedDeviceAsleep) {
  add_card("card0");
  write("card0/device/power/runtime_status", "suspended");
  open();
  EXPECT_EQ(read().utilization_gpu, 0);
  EXPECT_EQ(read().power_watts, std::nullopt);
}

TEST_F(AmdgpuTest, WhatVanishesOrIsNoNumberIsAbsent) {
  add_card("card0");
  open();
  write("card0/device/gpu_busy_percent", "busy");
  write("card0/device/mem_info_vram_used", "5000");
  std::filesystem::remove(root_ + "/sys/class/drm/card0/device/hwmon/hwmon3/power1_average");
  const Reading reading = read();
  EXPECT_EQ(reading.state, DeviceState::kOk);
  EXPECT_EQ(reading.utilization_gpu, std::nullopt);
  EXPECT_EQ(reading.memory_used_bytes, std::nullopt) << "more used than there is";
  EXPECT_EQ(reading.power_watts, std::nullopt);
}

TEST_F(AmdgpuTest, AnUnloadedDriverIsAnErrorAndNoDriverIsSaid) {
  EXPECT_EQ(AmdgpuSource::open(log::Log::silent(), nullptr, root_).error().code(), Errc::kNotFound);
  add_card("card0");
  EXPECT_TRUE(has_device(root_));
  open();
  std::filesystem::remove_all(root_ + "/sys");
  EXPECT_EQ(source_->read(base::from_unix_nanos(7)).error().code(), Errc::kUnavailable);
}

}  // namespace
}  // namespace gpuscale::gpu::amdgpu
