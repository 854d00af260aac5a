// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_use.h"

#include <gmock/gmock.h>

namespace gpuscale::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<gpu::Reading> shared_device() {
  gpu::Reading reading;
  reading.device = {.index = 0, .uuid = "GPU-aa", .model = "H100", .pci_bus_id = "", .mig = {}};
  reading.processes = {{10, 1000, 30.0}, {11, 500, 20.0}, {20, 2000, std::nullopt}, {30, 7, 1.0}};
  return {reading};
}

PodSight two_pods() {
  PodSight pods;
  pods.is_kubernetes = true;
  pods.containers = {{"a", "llama", "server", {"GPU-aa::0"}}, {"b", "whisper", "main", {"GPU-aa::1"}}};
  pods.names_by_uid = {
      {"uid-llama", {"a", "llama"}}, {"uid-whisper", {"b", "whisper"}}, {"uid-x", {"c", "x"}}};
  return pods;
}

ProcessOwner owner(std::int64_t pid) {
  if (pid == 10 || pid == 11) return {"pod", "uid-llama", ""};
  if (pid == 20) return {"pod", "uid-whisper", ""};
  return {"pod", "uid-x", ""};
}

TEST(PodUse, SplitsASharedDeviceByTheProcessesOfEachPod) {
  const auto uses = pod_uses(shared_device(), two_pods(), owner);
  ASSERT_THAT(uses, SizeIs(3));
  EXPECT_EQ(uses[0].pod, "llama");
  EXPECT_EQ(uses[0].container, "server");
  EXPECT_EQ(uses[0].processes, 2);
  EXPECT_EQ(uses[0].memory_used_bytes, 1500);
  EXPECT_EQ(uses[0].utilization_gpu, 50.0);
  EXPECT_EQ(uses[1].pod, "whisper");
  EXPECT_EQ(uses[1].utilization_gpu, std::nullopt) << "what the driver does not tell is absent";
  EXPECT_EQ(uses[2].pod, "x");
  EXPECT_FALSE(uses[2].given) << "it uses a device that kubelet gave to others";
}

TEST(PodUse, APodThatHasTwoContainersThereIsNamedWithoutOne) {
  PodSight pods = two_pods();
  pods.containers[1] = {"a", "llama", "second", {"GPU-aa::1"}};
  const auto uses = pod_uses(shared_device(), pods, owner);
  ASSERT_THAT(uses, SizeIs(5));
  EXPECT_EQ(uses[0].processes, 0);
  EXPECT_EQ(uses[2].pod, "llama");
  EXPECT_EQ(uses[2].container, "") << "which of the two is not known";
  EXPECT_EQ(uses[2].processes, 2);
  EXPECT_TRUE(uses[2].given);
}

TEST(PodUse, OutsideKubernetesThereIsNone) {
  PodSight pods = two_pods();
  pods.is_kubernetes = false;
  EXPECT_THAT(pod_uses(shared_device(), pods, owner), IsEmpty());
}

TEST(PodUse, GoesToTheServerAsAMeasurementOfItsOwn) {
  const auto readings = shared_device();
  const auto lines = pod_lines({"c", "p", "n"}, readings, {pod_uses(readings, two_pods(), owner)[0]});
  EXPECT_THAT(lines,
              ElementsAre(HasSubstr("gpu_pod,cluster=c,container=server,gpu=0,namespace=a,node=n,pod=llama,"
                                    "pool=p,uuid=GPU-aa processes=2i,given=true,memory_used_bytes=1500i,"
                                    "utilization_gpu=50")));
}

}  // namespace
}  // namespace gpuscale::agent
