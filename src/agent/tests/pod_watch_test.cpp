// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_watch.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

namespace gpuscale::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kUid = "1f2e3d4c-0000-1111-2222-333344445555";

class PodPresence : public ::testing::Test {
 protected:
  PodPresence() : root_(fs::temp_directory_path() / ("gpuscale-pods-" + std::to_string(::getpid()))) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "var/log/pods" / ("team-a_llama-0_" + std::string(kUid)));
    fs::create_directories(root_ / "var/log/pods/no-pod");
  }
  ~PodPresence() override { fs::remove_all(root_); }
  void make(const std::string& path) { fs::create_directories(root_ / path); }

  fs::path root_;
};

TEST_F(PodPresence, NamesOfPodsAreFoundByUid) {
  const auto pods = pods_by_uid(root_);
  ASSERT_THAT(pods, SizeIs(1));
  EXPECT_EQ(pods.at(kUid).pod_namespace, "team-a");
  EXPECT_EQ(pods.at(kUid).pod, "llama-0");
  EXPECT_THAT(pods_by_uid((root_ / "absent").string()), IsEmpty());
}

TEST_F(PodPresence, APodRunsWhileItHasAControlGroup) {
  EXPECT_EQ(pod_runs(kUid, root_), std::nullopt) << "no pod's groups can be seen: nothing is known";
  make("sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice");
  EXPECT_EQ(pod_runs(kUid, root_), false);
  make(
      "sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/"
      "kubepods-burstable-pod1f2e3d4c_0000_1111_2222_333344445555.slice");
  EXPECT_EQ(pod_runs(kUid, root_), true);
}

TEST_F(PodPresence, BothDriversAndHierarchiesAreKnown) {
  make("sys/fs/cgroup/memory/kubepods/besteffort/pod" + std::string(kUid));
  EXPECT_EQ(pod_runs(kUid, root_), true);
  EXPECT_EQ(pod_runs("0f2e3d4c-0000-1111-2222-333344445555", root_), false);
}

TEST_F(PodPresence, APodThatKubeletStillNamesAfterItsEndIsDropped) {
  std::vector<PodContainer> containers = {{"team-a", "llama-0", "server", {"GPU-aa"}},
                                          {"team-b", "unknown", "server", {"GPU-bb"}}};
  drop_ended(containers, pods_by_uid(root_), root_);
  EXPECT_THAT(containers, SizeIs(2)) << "as long as nothing is known, kubelet is believed";
  make("sys/fs/cgroup/kubepods.slice");
  drop_ended(containers, pods_by_uid(root_), root_);
  ASSERT_THAT(containers, SizeIs(1));
  EXPECT_EQ(containers[0].pod, "unknown") << "its folder is not known, so neither is its end";
}

TEST_F(PodPresence, WithoutKubeletThereIsNothingToSayAndNoError) {
  const PodWatch watch({.socket = (root_ / "kubelet.sock").string()}, log::Log::silent());
  EXPECT_FALSE(watch.sight()->is_kubernetes);
  EXPECT_EQ(watch.sight()->error, "");
}

TEST_F(PodPresence, ASocketThatSpeaksNoGrpcIsAnErrorInTime) {
  const std::string path = (root_ / "kubelet.sock").string();
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  std::thread answer([listener] {
    const int peer = ::accept(listener, nullptr, nullptr);
    const std::string text = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    (void)!::write(peer, text.data(), text.size());
    ::close(peer);
  });
  http::Client client;
  const auto told = list_pod_resources(client, path);
  answer.join();
  ::close(listener);
  ASSERT_FALSE(told);
  EXPECT_THAT(told.error().message(), HasSubstr("localhost"));
}

}  // namespace
}  // namespace gpuscale::agent
