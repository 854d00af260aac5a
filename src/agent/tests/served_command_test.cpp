// SPDX-License-Identifier: Apache-2.0
/// The node's own program, over real processes.
#include "agent/served_command.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <functional>
#include <thread>

#include "agent/chosen_devices.h"
#include "base/system_clock.h"

namespace gpuscale::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const base::SystemClock kRealClock;

bool comes_true(const std::function<bool()>& what) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (what()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::unique_ptr<ServedCommand> serve(std::vector<std::string> command, const std::string& ready = "tcp") {
  auto served = ServedCommand::start({.command = std::move(command),
                                      .gpus = {"2", "3"},
                                      .ready = ready,
                                      .node = "gpu-a",
                                      .pool = "gpu",
                                      .check_every = 20ms},
                                     kRealClock, log::Log::silent());
  EXPECT_TRUE(served) << served.error().message();
  return served ? *std::move(served) : nullptr;
}

std::unique_ptr<ServedCommand> serve_files(const std::string& ready) {
  return serve({"python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "/proc/self", "{port}"},
               ready);
}

TEST(ServedCommand, IsReadyOnceItsPortOrItsPathAnswers) {
  for (const char* ready : {"tcp", "/status"}) {
    const auto served = serve_files(ready);
    EXPECT_TRUE(comes_true([&] { return served->sight().was_ready; })) << ready;
    EXPECT_THAT(served->sight().url, HasSubstr(std::to_string(served->port())));
    EXPECT_FALSE(served->sight().mute);
  }
}

TEST(ServedCommand, IsNotReadyWhileItsPathIsNotFound) {
  const auto served = serve_files("/nosuchfile");
  std::this_thread::sleep_for(500ms);
  EXPECT_FALSE(served->sight().was_ready);
  EXPECT_TRUE(served->sight().mute);
}

TEST(ServedCommand, RunsOnTheGpusOfItsNodeWithItsWordsFilledIn) {
  const auto served = serve(
      {"sh", "-c",
       "[ $CUDA_VISIBLE_DEVICES = 2,3 ] && [ $CUDA_DEVICE_ORDER = PCI_BUS_ID ] && [ $PORT = {port} ] && "
       "[ {node} = gpu-a ] && [ {gpus} = 2,3 ] && exit 7"});
  EXPECT_TRUE(comes_true([&] { return served->has_ended(); }));
  EXPECT_EQ(served->how_it_ended(), "exited with status 7");
}

TEST(ServedCommand, IsToldToEndAndKilledWhereItDoesNot) {
  const auto willing = serve({"sleep", "100"});
  willing->stop(std::chrono::steady_clock::now() + 10s);
  EXPECT_EQ(willing->how_it_ended(), "was ended by signal " + std::to_string(SIGTERM));
  const auto stubborn = serve({"sh", "-c", "trap '' TERM; touch /dev/null; while :; do sleep 0.05; done"});
  std::this_thread::sleep_for(200ms);
  stubborn->stop(std::chrono::steady_clock::now() + 200ms);
  EXPECT_EQ(stubborn->how_it_ended(), "was ended by signal " + std::to_string(SIGKILL));
}

TEST(ServedCommand, WhatCannotBeRunIsNamed) {
  const auto served = ServedCommand::start({.command = {"/nosuch/server"}}, kRealClock, log::Log::silent());
  ASSERT_FALSE(served);
  EXPECT_THAT(served.error().message(), HasSubstr("/nosuch/server"));
  EXPECT_FALSE(check_ready_word("health"));
}

TEST(ChosenDevices, AreMeantByIndexOrByTheBeginningOfTheirUuid) {
  const gpu::DeviceIdentity device{.index = 1, .uuid = "GPU-8932f937-d72c"};
  EXPECT_TRUE(is_meant(device, "1"));
  EXPECT_TRUE(is_meant(device, "GPU-8932f937"));
  EXPECT_FALSE(is_meant(device, "11"));
  EXPECT_FALSE(is_meant(device, "GPU-1"));
}

}  // namespace
}  // namespace gpuscale::agent
