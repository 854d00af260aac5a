// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_resources.h"

#include <gmock/gmock.h>

#include "agent/tests/pod_message.h"

namespace gpuscale::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

gpu::DeviceIdentity whole(int index = 0) {
  return {.index = index, .uuid = "GPU-aa", .model = "H100", .pci_bus_id = "00000000:3B:00.0", .mig = {}};
}

gpu::DeviceIdentity slice() {
  gpu::DeviceIdentity device = whole();
  device.uuid = "MIG-bb";
  device.mig = gpu::MigIdentity{3, 0, "1g.10gb", "GPU-aa"};
  return device;
}

TEST(PodResources, NameTheContainersThatHoldDevices) {
  const auto containers = parse_pod_resources(
      testing::pod("llama-0", "team-a",
                   {testing::container("server", {testing::devices("nvidia.com/gpu", {"GPU-aa", "GPU-cc"})}),
                    testing::container("sidecar", {})}) +
      testing::pod("other", "team-b", {testing::container("c", {testing::devices("x", {"GPU-dd"})})}));
  ASSERT_TRUE(containers) << containers.error().message();
  ASSERT_THAT(*containers, SizeIs(2)) << "a container without devices is none of ours";
  EXPECT_EQ((*containers)[0].pod, "llama-0");
  EXPECT_EQ((*containers)[0].pod_namespace, "team-a");
  EXPECT_EQ((*containers)[0].container, "server");
  EXPECT_THAT((*containers)[0].device_ids, ElementsAre("GPU-aa", "GPU-cc"));
  EXPECT_EQ((*containers)[1].pod, "other");
}

TEST(PodResources, FieldsOfLaterVersionsAreSkipped) {
  // cpu_ids = 3 packed, memory = 4, a varint, a fixed64 and a fixed32.
  const std::string later = testing::field(3, "\x01\x02") + testing::field(4, "x") + "\x50\x7f" +
                            std::string("\x59") + std::string(8, 'a') + std::string("\x65") +
                            std::string(4, 'b');
  const auto containers = parse_pod_resources(
      testing::pod("p", "n", {testing::container("c", {testing::devices("r", {"GPU-aa"}), later})}));
  ASSERT_TRUE(containers) << containers.error().message();
  EXPECT_THAT(*containers, SizeIs(1));
}

TEST(PodResources, OfACutMessageTheByteIsNamed) {
  std::string message =
      testing::pod("p", "n", {testing::container("c", {testing::devices("r", {"GPU-aa"})})});
  message.pop_back();
  const auto containers = parse_pod_resources(message);
  ASSERT_FALSE(containers);
  EXPECT_THAT(containers.error().message(), HasSubstr("at byte 2"));
  EXPECT_THAT(*parse_pod_resources(""), IsEmpty()) << "a node without pods";
}

TEST(PodResources, TooManyContainersAreRefused) {
  std::string message;
  const std::string one =
      testing::pod("p", "n", {testing::container("c", {testing::devices("r", {"GPU-aa"})})});
  for (std::size_t i = 0; i <= kMaxPodContainers; ++i) message += one;
  ASSERT_FALSE(parse_pod_resources(message));
}

struct IdCase {
  const char* id;
  bool names_whole;
  bool names_slice;
  const char* replica;
};

TEST(PodResources, EveryFormOfADeviceIdIsUnderstood) {
  const IdCase cases[] = {
      {"GPU-aa", true, false, ""},
      {"GPU-aa::3", true, false, "3"},  // shared by time, NVIDIA's plugin
      {"GPU-zz", false, false, ""},
      {"MIG-bb", false, true, ""},
      {"MIG-bb::7", false, true, "7"},      // EKS
      {"MIG-GPU-aa/3/0", false, true, ""},  // before R470
      {"MIG-GPU-aa/4/0", false, false, ""},
      {"nvidia0", true, false, ""},  // GKE
      {"nvidia0/vgpu1", true, false, "1"},
      {"nvidia0/gi3", false, true, ""},
      {"nvidia0/gi3/vgpu0", false, true, "0"},
      {"nvidia1", false, false, ""},
      {"nvidia", false, false, ""},
      {"nvidia99999999999999", false, false, ""},
      {"0000:3b:00.0", true, false, ""},  // AMD's plugin
      {"", false, false, ""},
      {"::", false, false, ""},
      {"/", false, false, ""},
  };
  for (const IdCase& each : cases) {
    const PodDeviceId id = read_device_id(each.id);
    EXPECT_EQ(names_device(id, whole()), each.names_whole) << each.id;
    EXPECT_EQ(names_device(id, slice()), each.names_slice) << each.id;
    EXPECT_EQ(id.replica, each.replica) << each.id;
  }
}

TEST(PodResources, ADeviceWithoutABusIdIsNotEveryOnes) {
  gpu::DeviceIdentity device{.index = 0, .uuid = "", .model = "virtual", .pci_bus_id = "", .mig = {}};
  EXPECT_FALSE(names_device(read_device_id(""), device));
  EXPECT_FALSE(names_device(read_device_id("GPU-aa"), device));
}

TEST(PodResources, TwoReplicasInOneContainerAreOneTenant) {
  const std::vector<PodContainer> containers = {{"n", "p", "c", {"GPU-aa::0", "GPU-aa::1"}},
                                                {"n", "q", "c", {"GPU-aa::2"}}};
  const auto tenants = tenants_of(whole(), containers);
  ASSERT_THAT(tenants, SizeIs(2));
  EXPECT_EQ(tenants[0].container->pod, "p");
  EXPECT_EQ(tenants[1].replica, "2");
}

}  // namespace
}  // namespace gpuscale::agent
