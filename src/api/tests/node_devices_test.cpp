// SPDX-License-Identifier: Apache-2.0
/// Who uses a node's devices, asked of its agent.
#include "api/node_devices.h"

#include <gmock/gmock.h>

#include "api/testing/test_api.h"

namespace gpuscale::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::parsed;

constexpr const char* kAnswer =
    R"({"node":"n1","state":"ok","devices":[{"gpu":0,"uuid":"GPU-a","processes":[
        {"pid":41,"owner":"pod:team/llama-0","memory_bytes":1024,"utilization_gpu":null},
        {"pid":42,"owner":7}]},{"gpu":1},"nonsense"]})";

TEST(NodeDevices, AreReadAsTheAgentTellsThem) {
  const auto read = node_devices(kAnswer);
  ASSERT_TRUE(read);
  const json processes = (*read)["processes"];
  ASSERT_EQ(processes.size(), 2U);
  EXPECT_EQ(processes[0]["owner"], "pod:team/llama-0");
  EXPECT_EQ(processes[0]["memory_bytes"], 1024);
  EXPECT_TRUE(processes[0]["utilization_gpu"].is_null());
  EXPECT_EQ(processes[1]["owner"], "");
  EXPECT_EQ((*read)["processes_omitted"], 0);
}

TEST(NodeDevices, OfAnotherProgramAreNone) {
  EXPECT_FALSE(node_devices("<html>"));
  EXPECT_FALSE(node_devices("[]"));
  EXPECT_FALSE(node_devices(R"({"status":"ok"})"));
}

TEST(NodeDevices, AreBoundedAndSayWhatIsLeftOut) {
  const json process = {{"pid", 1}};
  const json answer = {
      {"devices", {{{"gpu", 0}, {"processes", std::vector<json>(kMostProcesses + 3, process)}}}}};
  const auto read = node_devices(answer.dump());
  ASSERT_TRUE(read);
  EXPECT_EQ((*read)["processes"].size(), kMostProcesses);
  EXPECT_EQ((*read)["processes_omitted"], 3);
}

class NodeDevicesCall : public ::testing::Test {
 protected:
  void SetUp() override {
    pool::Node node{.id = pool::NodeId("n1"), .pool = pool::PoolName("gpu")};
    node.endpoint = "http://127.0.0.1:9400";
    api_.controller.node_list = {scaling::NodeStatus{.node = std::move(node)}};
  }
  testing::TestApi api_;
};

TEST_F(NodeDevicesCall, AsksTheNodesOwnEndpoint) {
  std::string asked;
  api_.services.ask_node = [&](std::string url, const auto& done) {
    asked = std::move(url);
    done(http::ClientResponse{200, {}, kAnswer});
  };
  const auto answer = api_.get("/api/v1/nodes/n1/devices");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(asked, "http://127.0.0.1:9400/devices");
  EXPECT_EQ(parsed(answer)["processes"].size(), 2U);
}

TEST_F(NodeDevicesCall, SaysWhatKeepsItFromKnowing) {
  api_.services.ask_node = [](const std::string&, const auto& done) {
    done(fail(Errc::kTimeout, "no answer in 3 s"));
  };
  const auto silent = api_.get("/api/v1/nodes/n1/devices");
  EXPECT_EQ(silent.status, 503);
  EXPECT_THAT(silent.body, HasSubstr("no answer in 3 s"));
  api_.services.ask_node = [](const std::string&, const auto& done) {
    done(http::ClientResponse{404, {}, ""});
  };
  EXPECT_THAT(api_.get("/api/v1/nodes/n1/devices").body, HasSubstr("HTTP 404"));
  api_.controller.node_list[0].node.endpoint.clear();
  EXPECT_EQ(api_.get("/api/v1/nodes/n1/devices").status, 503);
  EXPECT_EQ(api_.get("/api/v1/nodes/other/devices").status, 404);
}

}  // namespace
}  // namespace gpuscale::api
