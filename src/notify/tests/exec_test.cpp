// SPDX-License-Identifier: Apache-2.0
/// The exec sender with real programs.
#include <gmock/gmock.h>

#include "notify/outbox.h"

namespace gpuscale::notify {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Message told_program() {
  Message message;
  message.state = "firing";
  message.rule = "high $(id)";
  message.idempotency = "c-1-1";
  message.values = nlohmann::json::array();
  return message;
}

Result<Receipt> run(const std::string& script, std::chrono::milliseconds timeout = 10s) {
  ChannelSpec channel;
  channel.name = "script";
  channel.kind = ChannelKind::kExec;
  channel.command = {"sh", "-c", script};
  channel.timeout = timeout;
  return make_exec_sender()->send(channel, told_program());
}

TEST(Exec, AProgramReadsTheMessageAndItsEnvironment) {
  const auto receipt = run("printf '%s|' \"$GPUSCALE_STATE\" \"$GPUSCALE_RULE\" \"$HOME\"; head -c 200");
  ASSERT_TRUE(receipt) << receipt.error().message();
  EXPECT_EQ(receipt->status, 200);
  EXPECT_THAT(receipt->answer, HasSubstr("exit code 0: firing|high $(id)||{\"evalMatches\":[]"));
}

TEST(Exec, ExitCodesSayWhetherToTryAgain) {
  EXPECT_EQ(run("exit 75")->status, 503);
  EXPECT_EQ(run("echo no >&2; exit 3")->status, 400);
  EXPECT_EQ(run("echo no >&2; exit 3")->answer, "exit code 3: no\n");
  EXPECT_EQ(run("kill -9 $$")->status, 400);
}

TEST(Exec, AProgramThatDoesNotEndIsKilled) {
  const auto receipt = run("sleep 100 & sleep 100", 200ms);
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code(), Errc::kTimeout);
}

TEST(Exec, AProgramThatDoesNotExistIsFinal) {
  ChannelSpec channel;
  channel.command = {"/no/such/program"};
  const auto receipt = make_exec_sender()->send(channel, told_program());
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code(), Errc::kInvalidArgument);
}

TEST(Exec, KeepsTheBeginningOfALongAnswer) {
  const auto receipt = run("head -c 1000000 /dev/zero | tr '\\0' x");
  ASSERT_TRUE(receipt) << receipt.error().message();
  EXPECT_LT(receipt->answer.size(), kMaxAnswerBytes + 100);
}

}  // namespace
}  // namespace gpuscale::notify
