// SPDX-License-Identifier: Apache-2.0
/// The local provider over real processes.
#include "pool/providers/local/local_provider.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/digest.h"
#include "base/system_clock.h"
#include "pool/testing/provider_conformance.h"

namespace gpuscale::pool::local {
namespace {

using namespace std::chrono_literals;

class LocalHarness {
 public:
  LocalHarness() : instance_("test-" + base::random_hex(6)) {
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
    options.dir = folder_;
    options.instance = instance_;
    options.pool = "gpu";
    options.cluster = "test";
    options.server_url = "http://127.0.0.1:1";
    options.scan_interval = 10ms;
    options.call_timeout = 10s;
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
