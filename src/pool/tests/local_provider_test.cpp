// SPDX-License-Identifier: Apache-2.0
/// The local provider over real processes.
#include "pool/providers/local/local_provider.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "base/digest.h"
#include "base/system_clock.h"
#include "pool/testing/provider_conformance.h"

namespace gpuscale::pool::local {
namespace {

using namespace std::chrono_literals;

class LocalHarness {
 public:
  explicit LocalHarness(std::map<std::string, std::string> block = {})
      : block_(std::move(block)), instance_("test-" + base::random_hex(6)) {
    folder_ = std::filesystem::temp_directory_path() / instance_;
    reopen();
  }
  ~LocalHarness() {
    for (const MarkedProcess& process : processes()) ::kill(process.pid, SIGKILL);
    std::filesystem::remove_all(folder_);
  }
  LocalHarness(const LocalHarness&) = delete;
  LocalHarness& operator=(const LocalHarness&) = delete;

  NodeProvider& provider() { return *provider_; }
  void reopen() {
    LocalProviderOptions options;
    options.binary = GPUSCALE_TEST_NODE;
    options.root = folder_;
    options.dir = folder_ + "/gpu";
    options.instance = instance_;
    options.pool = "gpu";
    options.cluster = "test";
    options.server_url = "http://127.0.0.1:1";
    options.scan_interval = 10ms;
    options.call_timeout = 10s;
    ASSERT_TRUE(apply_options(block_, options));
    auto provider = LocalProvider::open(options, clock_, log::Log::silent());
    ASSERT_TRUE(provider) << provider.error().message();
    provider_ = *std::move(provider);
  }
  void await_running(const NodeId& id) {
    EXPECT_TRUE(eventually(
        [&](const Instance& i) { return i.id == id && i.state == InstanceState::kRunning; }, true));
  }
  void await_absent(const NodeId& id) {
    EXPECT_TRUE(eventually([&](const Instance& i) { return i.id == id; }, false));
  }
  void kill(const NodeId& id) {
    for (const MarkedProcess& process : processes()) {
      if (process.mark.ends_with("/" + id.value())) ::kill(process.pid, SIGKILL);
    }
  }
  std::vector<MarkedProcess> processes() const {
    const auto found = find_marked(kMarkVariable, instance_ + "/");
    return found ? *found : std::vector<MarkedProcess>{};
  }

 private:
  template <typename Fits>
  bool eventually(const Fits& fits, bool wanted) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      const auto instances = provider_->list();
      if (instances && std::any_of(instances->begin(), instances->end(), fits) == wanted) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }

  const base::SystemClock clock_;
  const std::map<std::string, std::string> block_;
  const std::string instance_;
  std::string folder_;
  std::unique_ptr<LocalProvider> provider_;
};

}  // namespace
}  // namespace gpuscale::pool::local

namespace gpuscale::pool::testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Local, ProviderConformance, local::LocalHarness);
}  // namespace gpuscale::pool::testing

namespace gpuscale::pool::local {
namespace {

TEST(LocalProvider, ANodeLivesInASessionOfItsOwnWithTheLockOfItsId) {
  LocalHarness harness;
  ASSERT_TRUE(harness.provider().launch(NodeId("a")));
  harness.await_running(NodeId("a"));
  const auto processes = harness.processes();
  ASSERT_EQ(processes.size(), 1U);
  EXPECT_EQ(processes[0].session, processes[0].pid);
  EXPECT_NE(processes[0].session, ::getsid(0));
}

std::vector<std::string> gpus_of(const LocalHarness& harness, const std::string& id) {
  for (const MarkedProcess& process : harness.processes()) {
    if (!process.mark.ends_with("/" + id)) continue;
    std::ifstream file("/proc/" + std::to_string(process.pid) + "/cmdline");
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
    const auto found = std::find(words.begin(), words.end(), "--gpus");
    if (found != words.end()) return {*std::next(found)};
  }
  return {};
}

const std::map<std::string, std::string> kTwoGpus{{"command", "serve --port {port}"}, {"gpus", "4,7"}};

TEST(LocalProvider, EachNodeOfACommandGetsAGpuOfItsOwnAndOneTooManyFindsNoCapacity) {
  LocalHarness harness(kTwoGpus);
  for (const char* id : {"a", "b"}) {
    ASSERT_TRUE(harness.provider().launch(NodeId(id)));
    harness.await_running(NodeId(id));
  }
  EXPECT_THAT(gpus_of(harness, "a"), ::testing::ElementsAre("4"));
  EXPECT_THAT(gpus_of(harness, "b"), ::testing::ElementsAre("7"));
  const auto third = harness.provider().launch(NodeId("c"));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), Errc::kExhausted);
  EXPECT_THAT(third.error().message(), ::testing::HasSubstr("4 by a, 7 by b"));
}

TEST(LocalProvider, AGpuIsGivenOutAgainWhenItsNodeHasGoneAndNotBeforeEvenAfterACrash) {
  LocalHarness harness(kTwoGpus);
  for (const char* id : {"a", "b"}) {
    ASSERT_TRUE(harness.provider().launch(NodeId(id)));
    harness.await_running(NodeId(id));
  }
  harness.reopen();
  EXPECT_FALSE(harness.provider().launch(NodeId("c"))) << "a new server must not take what is in use";
  ASSERT_TRUE(harness.provider().terminate(NodeId("a")));
  harness.await_absent(NodeId("a"));
  ASSERT_TRUE(harness.provider().launch(NodeId("c")));
  harness.await_running(NodeId("c"));
  EXPECT_THAT(gpus_of(harness, "c"), ::testing::ElementsAre("4"));
}

TEST(LocalProvider, ANodeMayHaveSeveralGpus) {
  LocalHarness harness({{"command", "serve\n"}, {"gpus", "0\n1\n2\n"}, {"gpus_per_node", "2"}});
  ASSERT_TRUE(harness.provider().launch(NodeId("a")));
  harness.await_running(NodeId("a"));
  EXPECT_THAT(gpus_of(harness, "a"), ::testing::ElementsAre("0,1"));
  EXPECT_FALSE(harness.provider().launch(NodeId("b"))) << "one GPU is left, two are needed";
}

TEST(LocalProvider, WhatItCannotRunIsNamed) {
  const base::SystemClock clock;
  LocalProviderOptions options;
  options.binary = "/nosuch/gpuscale";
  options.dir = std::filesystem::temp_directory_path();
  options.instance = "i";
  options.pool = "p";
  const auto provider = LocalProvider::open(options, clock, log::Log::silent());
  ASSERT_FALSE(provider);
  EXPECT_THAT(provider.error().message(), ::testing::HasSubstr("/nosuch/gpuscale"));
}

}  // namespace
}  // namespace gpuscale::pool::local
