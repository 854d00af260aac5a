// SPDX-License-Identifier: Apache-2.0
/// The user's hooks around a drain, as real programs.
#include "pool/decorators/hooked_provider.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "pool/testing/fake_provider.h"
#include "pool/testing/provider_conformance.h"

namespace gpuscale::pool::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A cloud behind hooks that write their names into a file.
class HookedCloud {
 public:
  HookedCloud() {
    folder_ =
        std::filesystem::temp_directory_path() / ("hooks-" + std::to_string(::getpid()) + "-" +
                                                  std::to_string(reinterpret_cast<std::uintptr_t>(this)));
    std::filesystem::create_directories(folder_);
    hooks = {.drain = says(), .undrain = says(), .end = says(), .limit = 10s};
    reopen();
  }
  ~HookedCloud() {
    provider_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::vector<std::string> says() const {
    return {"/bin/sh", "-c", "echo $GPUSCALE_HOOK $GPUSCALE_NODE $GPUSCALE_POOL >> " + file()};
  }
  std::string file() const { return (folder_ / "said").string(); }
  std::vector<std::string> said() const {
    std::vector<std::string> lines;
    std::ifstream in(file());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  void reopen() {
    provider_ = std::make_unique<HookedProvider>(std::make_unique<FakeProvider>(cloud), hooks, "gpu",
                                                 log::Log::silent());
  }
  NodeProvider& provider() { return *provider_; }
  void await_running(const NodeId& id) { cloud.finish_boot(id.value()); }
  /// As the controller does: asked again until it has gone.
  void await_absent(const NodeId& id) {
    EXPECT_TRUE(wait([&] { return provider_->terminate(id) && count_instances(*provider_, id) == 0; }));
  }
  void kill(const NodeId& id) { cloud.vanish(id.value()); }

  template <class Done>
  bool wait(const Done& done) const {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  bool wait_idle(const NodeId& id) {
    return wait([&] { return provider_->workload(id)->held_by.empty(); });
  }
  NodeId ready(const std::string& name) {
    const NodeId id(name);
    EXPECT_TRUE(provider_->launch(id));
    cloud.finish_boot(name);
    EXPECT_TRUE(provider_->list());
    return id;
  }

  FakeCloud cloud;
  DrainHooks hooks;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<HookedProvider> provider_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Hooked, ProviderConformance, HookedCloud);

TEST(Hooks, RunInTheOrderOfTheDrainAndTheEndWaitsForThem) {
  HookedCloud world;
  const NodeId id = world.ready("a");
  ASSERT_TRUE(world.provider().drain(id));
  ASSERT_TRUE(world.provider().drain(id)) << "asked again it runs no second time";
  ASSERT_TRUE(world.wait_idle(id));
  ASSERT_TRUE(world.provider().terminate(id));
  world.await_absent(id);
  EXPECT_THAT(world.said(), ElementsAre("drain a gpu", "end a gpu"));
}

TEST(Hooks, ANodeCountsAsAtWorkWhileItsDrainHookRuns) {
  HookedCloud world;
  world.hooks.drain = {"/bin/sh", "-c", "while [ ! -e " + world.file() + " ]; do sleep 0.02; done"};
  world.reopen();
  const NodeId id = world.ready("a");
  ASSERT_TRUE(world.provider().drain(id));
  EXPECT_EQ(world.provider().workload(id)->held_by, "its drain hook");
  std::ofstream(world.file()) << "";
  EXPECT_TRUE(world.wait_idle(id));
}

TEST(Hooks, OneThatHangsIsKilledAtItsLimitAndWedgesNothing) {
  HookedCloud world;
  world.hooks = {
      .drain = {"/bin/sleep", "1000"}, .undrain = {}, .end = {"/bin/sleep", "1000"}, .limit = 100ms};
  world.reopen();
  std::vector<NodeId> all;
  for (int i = 0; i < 30; ++i) all.push_back(world.ready("n" + std::to_string(i)));
  for (const NodeId& id : all) ASSERT_TRUE(world.provider().drain(id));
  for (const NodeId& id : all) ASSERT_TRUE(world.wait_idle(id));
  for (const NodeId& id : all) ASSERT_TRUE(world.provider().terminate(id));
  for (const NodeId& id : all) world.await_absent(id);
}

TEST(Hooks, ADrainThatIsUndoneSaysSoAndTheNextBeginsAnew) {
  HookedCloud world;
  const NodeId id = world.ready("a");
  ASSERT_TRUE(world.provider().undrain(id)) << "never drained: nothing to say";
  ASSERT_TRUE(world.provider().drain(id));
  ASSERT_TRUE(world.provider().undrain(id));
  ASSERT_TRUE(world.provider().drain(id));
  ASSERT_TRUE(world.wait_idle(id));
  EXPECT_THAT(world.said(), ElementsAre("drain a gpu", "undrain a gpu", "drain a gpu"));
}

TEST(Hooks, ARestartRunsThemAgainForANodeThatDrains) {
  HookedCloud world;
  const NodeId id = world.ready("a");
  ASSERT_TRUE(world.provider().drain(id));
  ASSERT_TRUE(world.wait_idle(id));
  world.reopen();
  ASSERT_TRUE(world.wait_idle(id));
  ASSERT_TRUE(world.provider().terminate(id));
  world.await_absent(id);
  EXPECT_THAT(world.said(), ElementsAre("drain a gpu", "drain a gpu", "end a gpu"));
}

TEST(Hooks, ANodeThatNeverDrainedEndsWithoutThem) {
  HookedCloud world;
  const NodeId id = world.ready("a");
  ASSERT_TRUE(world.provider().terminate(id));
  EXPECT_THAT(world.cloud.ids(), IsEmpty());
  EXPECT_THAT(world.said(), IsEmpty());
}

TEST(Hooks, AServerThatStopsWaitsForNone) {
  HookedCloud world;
  world.hooks.drain = {"/bin/sleep", "1000"};
  world.hooks.limit = 1h;
  world.reopen();
  ASSERT_TRUE(world.provider().drain(world.ready("a")));
  const auto before = std::chrono::steady_clock::now();
  world.reopen();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
}

}  // namespace
}  // namespace gpuscale::pool::testing
