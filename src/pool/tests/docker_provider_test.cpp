// SPDX-License-Identifier: Apache-2.0
/// The docker provider over a faithful fake of the engine.
#include "pool/providers/docker/docker_provider.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/digest.h"
#include "base/testing/manual_clock.h"
#include "pool/providers/docker/engine_answers.h"
#include "pool/testing/fake_engine.h"
#include "pool/testing/provider_conformance.h"

namespace gpuscale::pool {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DockerHarness {
 public:
  DockerHarness()
      : socket_(std::filesystem::temp_directory_path() / ("gpuscale-" + base::random_hex(6) + ".sock")),
        engine_(std::make_unique<testing::FakeEngine>(socket_)) {
    reopen();
  }
  NodeProvider& provider() { return *provider_; }
  testing::FakeEngine& engine() { return *engine_; }
  base::testing::ManualClock& clock() { return clock_; }
  void reopen() {
    docker::DockerOptions options;
    options.instance = "0a1b2c";
    options.pool = "gpu";
    options.cluster = "test";
    options.server_url = "http://10.0.0.1:8486";
    EXPECT_TRUE(docker::apply_options({{"image", "gpuscale:1"},
                                       {"command", "agent --serve --node {node} --server {server_url}"},
                                       {"gpus", "2"},
                                       {"port", "8487"},
                                       {"zone", "b"},
                                       {"socket", socket_}},
                                      options));
    provider_ = std::make_unique<docker::DockerProvider>(options, clock_, log::Log::silent());
  }
  void await_running(const NodeId& id) {
    const auto instances = provider_->list();
    ASSERT_TRUE(instances) << instances.error().message();
    for (const Instance& instance : *instances) {
      if (instance.id != id) continue;
      EXPECT_EQ(instance.state, InstanceState::kRunning);
      EXPECT_EQ(instance.zone, "b");
      EXPECT_THAT(instance.endpoint, HasSubstr("http://127.0.0.1:"));
    }
  }
  void await_absent(const NodeId& id) { EXPECT_EQ(testing::count_instances(*provider_, id), 0U); }
  void kill(const NodeId& id) { engine_->die(id.value()); }

 private:
  std::string socket_;
  std::unique_ptr<testing::FakeEngine> engine_;
  base::testing::ManualClock clock_;
  std::unique_ptr<docker::DockerProvider> provider_;
};

}  // namespace
}  // namespace gpuscale::pool

namespace gpuscale::pool::testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Docker, ProviderConformance, DockerHarness);
}  // namespace gpuscale::pool::testing

namespace gpuscale::pool {
namespace {

TEST(DockerProvider, AsksForGpusByDeviceRequestAndMarksWhatIsOurs) {
  DockerHarness harness;
  ASSERT_TRUE(harness.provider().launch(NodeId("gpu-1")));
  const auto creation = harness.engine().creations().at(0);
  EXPECT_EQ(creation["HostConfig"]["DeviceRequests"][0]["Count"], 2);
  EXPECT_EQ(creation["HostConfig"]["DeviceRequests"][0]["Capabilities"][0][0], "gpu");
  EXPECT_EQ(creation["Labels"]["gpuscale.node"], "gpu-1");
  EXPECT_EQ(creation["Cmd"].dump(),
            R"(["agent","--serve","--node","gpu-1","--server","http://10.0.0.1:8486"])");
  EXPECT_EQ(creation["HostConfig"]["PortBindings"]["8487/tcp"][0]["HostIp"], "127.0.0.1");
}

TEST(DockerProvider, AContainerThatCannotStartForWantOfAGpuSaysSoAndStartsLater) {
  DockerHarness harness;
  harness.engine().refuse_start("could not select device driver \"nvidia\" with capabilities: [[gpu]]");
  const auto launched = harness.provider().launch(NodeId("gpu-1"));
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().code(), Errc::kExhausted);
  auto instances = harness.provider().list();
  ASSERT_TRUE(instances);
  ASSERT_THAT(*instances, SizeIs(1));
  EXPECT_EQ(instances->front().state, InstanceState::kStarting);
  EXPECT_THAT(instances->front().detail, HasSubstr("device driver"));
  harness.engine().refuse_start("");
  ASSERT_TRUE(harness.provider().list());
  harness.await_running(NodeId("gpu-1"));
}

TEST(DockerProvider, AContainerThatIgnoresItsEndIsRemovedByForceLater) {
  DockerHarness harness;
  harness.engine().set_stubborn(true);
  ASSERT_TRUE(harness.provider().launch(NodeId("gpu-1")));
  ASSERT_TRUE(harness.provider().terminate(NodeId("gpu-1")));
  EXPECT_EQ(harness.provider().list()->at(0).state, InstanceState::kStopping);
  harness.clock().advance(11s);
  ASSERT_TRUE(harness.provider().list());
  EXPECT_THAT(*harness.provider().list(), IsEmpty());
  EXPECT_EQ(harness.engine().boxes(), 0U);
}

TEST(DockerProvider, AnEngineThatIsNotThereIsNoDeathOfNodes) {
  const base::testing::ManualClock clock;
  docker::DockerOptions options;
  options.image = "x";
  options.socket = "/nosuch/docker.sock";
  docker::DockerProvider provider(options, clock, log::Log::silent());
  const auto list = provider.list();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code(), Errc::kUnavailable);
  EXPECT_THAT(list.error().message(), HasSubstr("/nosuch/docker.sock"));
}

TEST(DockerProvider, SaysWhichOptionIsWrong) {
  docker::DockerOptions options;
  EXPECT_THAT(docker::apply_options({}, options).error().message(), HasSubstr("no image"));
  EXPECT_THAT(docker::apply_options({{"image", "x"}, {"gpus", "some"}}, options).error().message(),
              HasSubstr("gpus: \"some\""));
  EXPECT_THAT(docker::apply_options({{"imgae", "x"}}, options).error().message(),
              HasSubstr("known: command"));
}

TEST(EngineAnswers, WhatIsNoAnswerIsAnErrorThatNamesIt) {
  using docker::containers_of;
  EXPECT_FALSE(containers_of("{}", 0));
  EXPECT_FALSE(containers_of("[{\"Id\":\"a\"}]", 0));
  EXPECT_FALSE(containers_of("[3]", 0));
  EXPECT_FALSE(docker::inspected_endpoint("[]", 80));
  EXPECT_EQ(docker::outcome_of(500, "not json").error().code(), Errc::kUnavailable);
  EXPECT_EQ(docker::outcome_of(409, "{\"message\":\"in use\"}").error().code(), Errc::kConflict);
}

}  // namespace
}  // namespace gpuscale::pool
