// SPDX-License-Identifier: Apache-2.0
#include "agent/dcgm_metrics.h"

#include <gmock/gmock.h>

namespace gpuscale::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

gpu::Reading h100() {
  gpu::Reading out;
  out.device = {.index = 0, .uuid = "GPU-1", .model = "NVIDIA H100", .pci_bus_id = "00000000:3B:00.0"};
  out.driver_version = "570.1";
  out.utilization_gpu = 45.4;
  out.power_watts = 312.5;
  out.memory_used_bytes = 3LL << 30;
  out.tensor_active = 25;
  out.energy_joules = 12.5;
  return out;
}

std::string text_of(const std::vector<gpu::Reading>& readings) {
  metrics::Exposition out;
  append_dcgm_metrics(out, readings, {"node-1", "Hostname"});
  return out.text();
}

TEST(DcgmMetrics, AreNamedTypedAndLabelledAsDcgmExporterDoes) {
  const std::string text = text_of({h100()});
  const std::string labels =
      "{gpu=\"0\",UUID=\"GPU-1\",pci_bus_id=\"00000000:3B:00.0\",device=\"nvidia0\",modelName=\"NVIDIA "
      "H100\","
      "Hostname=\"node-1\",DCGM_FI_DRIVER_VERSION=\"570.1\"} ";
  EXPECT_THAT(text, HasSubstr("# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).\n"
                              "# TYPE DCGM_FI_DEV_GPU_UTIL gauge\n"
                              "DCGM_FI_DEV_GPU_UTIL" +
                              labels + "45\n"));
  EXPECT_THAT(text, HasSubstr("DCGM_FI_DEV_POWER_USAGE" + labels + "312.500000\n"));
  EXPECT_THAT(text, HasSubstr("DCGM_FI_DEV_FB_USED" + labels + "3072\n"));
  EXPECT_THAT(text, HasSubstr("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE" + labels + "0.250000\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter\n"));
  EXPECT_THAT(text, HasSubstr("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" + labels + "12500\n"));
  EXPECT_THAT(text, Not(HasSubstr("DCGM_FI_DEV_GPU_TEMP"))) << "absent, not 0";
}

TEST(DcgmMetrics, OfASliceCarryItsProfileAndTheUuidOfItsGpu) {
  gpu::Reading slice = h100();
  slice.device.uuid = "MIG-1";
  slice.device.mig = gpu::MigIdentity{7, 0, "1g.10gb", "GPU-1"};
  EXPECT_THAT(text_of({slice}), HasSubstr("UUID=\"GPU-1\""));
  EXPECT_THAT(text_of({slice}), HasSubstr("GPU_I_PROFILE=\"1g.10gb\",GPU_I_ID=\"7\",Hostname=\"node-1\""));
}

TEST(DcgmMetrics, CountEachXidSoThatTheSameTwiceShows) {
  gpu::Reading reading = h100();
  reading.xid_total = 3;
  reading.xid_last = 79;
  reading.xids = {{31, 1, {}}, {79, 2, {}}};
  EXPECT_THAT(text_of({reading}), HasSubstr("err_code=\"79\",err_msg=\"Xid 79\"} 79\n"));
  EXPECT_THAT(text_of({reading}),
              HasSubstr("gpuscale_gpu_xids_total{gpu=\"0\",uuid=\"GPU-1\",xid=\"79\"} 2\n"));
  reading.xids.clear();
  reading.xid_last.reset();
  reading.xid_total = 0;
  EXPECT_THAT(text_of({reading}), HasSubstr("err_code=\"0\",err_msg=\"No Error\"} 0\n"));
}

TEST(DcgmMetrics, AreOfNvidiasDevicesThatAnswerAlone) {
  gpu::Reading virtual_device = h100();
  virtual_device.driver_version.clear();
  gpu::Reading lost = h100();
  lost.state = gpu::DeviceState::kLost;
  EXPECT_EQ(text_of({virtual_device, lost}), "");
}

}  // namespace
}  // namespace gpuscale::agent
