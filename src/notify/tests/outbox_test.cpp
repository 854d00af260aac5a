// SPDX-License-Identifier: Apache-2.0
#include "notify/outbox.h"

#include <gmock/gmock.h>

#include "base/system_clock.h"
#include "base/testing/manual_clock.h"
#include "notify/testing/fake_sender.h"

namespace gpuscale::notify {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

ChannelSpec channel(std::string name) {
  ChannelSpec spec;
  spec.name = std::move(name);
  spec.url = "http://127.0.0.1:1/hook";
  return spec;
}

class OutboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *db::Database::open("");
    ledger_ = *activity::Ledger::open(*database_);
    reopen(clock_);
  }
  void reopen(const Clock& clock) {
    outbox_.reset();
    sender_ = std::make_shared<testing::FakeSender>();
    outbox_ =
        *Outbox::open(*database_, *ledger_, clock, log::Log::silent(), {{ChannelKind::kWebhook, sender_}});
    ASSERT_TRUE(outbox_->set_channels({channel("in"), channel("out")}));
  }
  Message message(std::string key, std::string idempotency, const Clock& clock) {
    Message out;
    out.key = std::move(key);
    out.idempotency = std::move(idempotency);
    out.correlation = "c-1";
    out.at = clock.wall();
    out.state = "firing";
    out.rule = "high";
    out.values = nlohmann::json::array();
    out.expires = clock.wall() + 1h;
    return out;
  }
  Message message(std::string key, std::string idempotency) {
    return message(std::move(key), std::move(idempotency), clock_);
  }
  void tick(Nanos later = 0s) {
    clock_.advance(later);
    outbox_->tick(clock_.wall());
  }
  std::vector<std::string> sent() const {
    std::vector<std::string> out;
    for (const auto& each : sender_->sent())
      out.push_back(each.channel.name + " " + each.message.idempotency);
    return out;
  }
  Delivery newest(const std::string& name) {
    const auto found = *outbox_->deliveries(name, 1);
    return found.empty() ? Delivery{} : found.front();
  }
  std::vector<std::string> kinds() const {
    const auto entries = *ledger_->query({});
    std::vector<std::string> out;
    for (const auto& entry : entries) out.push_back(entry.kind);
    return out;
  }

  base::testing::ManualClock clock_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  std::shared_ptr<testing::FakeSender> sender_;
  std::unique_ptr<Outbox> outbox_;
};

TEST_F(OutboxTest, DeliversAndKeepsWhatTheReceiverSaid) {
  sender_->answer_next(Receipt{200, "{\"to\":3}", std::nullopt});
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "a")));
  tick();
  const Delivery delivery = newest("out");
  EXPECT_EQ(delivery.state, DeliveryState::kDelivered);
  EXPECT_EQ(delivery.answer_status, 200);
  EXPECT_EQ(delivery.answer, "{\"to\":3}");
  EXPECT_EQ(delivery.attempts, 1);
  EXPECT_EQ(kinds(), std::vector<std::string>{"message.sent"});
  tick(1h);
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(OutboxTest, RetriesUntilDeliveredWithTheSameIdempotencyKey) {
  for (int i = 0; i < 3; ++i)
    sender_->answer_next(fail(Errc::kUnavailable, "127.0.0.1:1: connection refused"));
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "a")));
  tick();
  EXPECT_EQ(newest("out").state, DeliveryState::kWaiting);
  EXPECT_THAT(newest("out").last_error, HasSubstr("connection refused"));
  tick(100ms);
  EXPECT_EQ(sent().size(), 1U) << "not before its back-off";
  for (int i = 0; i < 3; ++i) tick(2s);
  EXPECT_EQ(sent(), (std::vector<std::string>{"out a", "out a", "out a", "out a"}));
  EXPECT_EQ(newest("out").state, DeliveryState::kDelivered);
  EXPECT_EQ(newest("out").attempts, 4);
  EXPECT_EQ(kinds(), (std::vector<std::string>{"message.failed", "message.sent"}));
}

TEST_F(OutboxTest, ARefusedMessageIsDeadAndSaysWhy) {
  sender_->answer_next(Receipt{401, "wrong secret", std::nullopt});
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "a")));
  tick();
  EXPECT_EQ(newest("out").state, DeliveryState::kDead);
  EXPECT_THAT(newest("out").last_error, HasSubstr("401: wrong secret"));
  tick(1h);
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(OutboxTest, ANewerMessageReplacesAnOlderOneOfTheSameKeyOnly) {
  sender_->answer_next(Receipt{503, "", std::nullopt});
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "a")));
  tick();
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "b")));
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/other", "c")));
  ASSERT_TRUE(outbox_->enqueue("in", message("rule/high", "b")));
  tick(1s);
  EXPECT_THAT(sent(), ::testing::UnorderedElementsAre("out a", "out b", "out c", "in b"));
}

TEST_F(OutboxTest, WhatAReceiverAskedForBindsTheNewerMessageToo) {
  sender_->answer_next(Receipt{429, "cooldown", Nanos{8s}});
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "a")));
  tick();
  clock_.advance(4s);
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "b")));
  tick();
  EXPECT_EQ(sent().size(), 1U);
  tick(4s);
  EXPECT_EQ(sent(), (std::vector<std::string>{"out a", "out b"}));
  EXPECT_EQ(kinds(), (std::vector<std::string>{"message.deferred", "message.sent"}));
}

TEST_F(OutboxTest, TakesAMessageOncePerChannel) {
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "a")));
  tick();
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "a")));
  tick(1s);
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(OutboxTest, WhatIsCalledOffOrTooOldIsNotSent) {
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "a")));
  ASSERT_TRUE(outbox_->cancel("rule/high", ""));
  ASSERT_TRUE(outbox_->enqueue("in", message("rule/low", "b")));
  tick(1h);
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(newest("out").state, DeliveryState::kReplaced);
  EXPECT_EQ(newest("in").state, DeliveryState::kExpired);
  EXPECT_EQ(kinds(), std::vector<std::string>{"message.expired"});
}

TEST_F(OutboxTest, ARestartLosesNothingAndRepeatsNothing) {
  ASSERT_TRUE(outbox_->enqueue("in", message("rule/low", "a")));
  tick();
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "b")));
  reopen(clock_);
  tick();
  EXPECT_EQ(sent(), std::vector<std::string>{"out b"});
}

TEST_F(OutboxTest, AnUnknownChannelIsAnError) {
  const auto queued = outbox_->enqueue("pager", message("k", "a"));
  ASSERT_FALSE(queued);
  EXPECT_EQ(queued.error().code(), Errc::kNotFound);
}

TEST_F(OutboxTest, AReceiverThatHangsDelaysNoOther) {
  const base::SystemClock clock;
  reopen(clock);
  sender_->hang("in");
  outbox_->start();
  ASSERT_TRUE(outbox_->enqueue("in", message("rule/low", "a", clock)));
  ASSERT_TRUE(sender_->wait_for(1, 20s));
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "b", clock)));
  EXPECT_TRUE(sender_->wait_for(2, 20s));
  // The hanging one is cut short by the stop and still waits on disk.
  outbox_->stop();
  EXPECT_EQ(newest("in").state, DeliveryState::kWaiting);
}

TEST_F(OutboxTest, ChannelsMayChangeWhileMessagesAreSent) {
  const base::SystemClock clock;
  reopen(clock);
  outbox_->start();
  for (int i = 0; i < 20; ++i) {
    const std::string key = std::to_string(i);
    ASSERT_TRUE(outbox_->enqueue("out", message(key, key, clock)));
    ASSERT_TRUE(outbox_->set_channels(i % 2 == 0 ? std::vector{channel("out")}
                                                 : std::vector{channel("in"), channel("out")}));
  }
  EXPECT_TRUE(sender_->wait_for(20, 20s));
  outbox_->stop();
}

TEST_F(OutboxTest, WhatCannotBeRecordedIsNotSentAgain) {
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "1")));
  const std::string refuse =
      "CREATE TRIGGER full BEFORE UPDATE ON outbox BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
  const auto run = [&](const std::string& sql) {
    ASSERT_TRUE(database_->transact(
        std::function<Result<void>(db::Transaction&)>([&](db::Transaction& t) { return t.execute(sql); })));
  };
  run(refuse);
  for (int i = 0; i < 5; ++i) tick(1min);
  EXPECT_EQ(sent(), std::vector<std::string>{"out 1"});
  run("DROP TRIGGER full");
  tick(1min);
  EXPECT_EQ(sent(), std::vector<std::string>{"out 1"});
  EXPECT_EQ(outbox_->deliveries("out", 1)->at(0).state, DeliveryState::kDelivered);
}

TEST_F(OutboxTest, AClockThatRanAheadDoesNotFreezeAChannel) {
  clock_.jump_wall(2h);
  sender_->answer_next(Receipt{429, "", std::chrono::seconds{5}});
  ASSERT_TRUE(outbox_->enqueue("out", message("rule/high", "1")));
  tick();
  clock_.jump_wall(-2h);
  tick(6s);
  EXPECT_EQ(sent(), (std::vector<std::string>{"out 1", "out 1"}));
}

TEST_F(OutboxTest, AChannelThatIsDeletedTakesItsMessagesWithIt) {
  ASSERT_TRUE(outbox_->enqueue("out", message("k", "i1")));
  ASSERT_TRUE(outbox_->set_channels({channel("in")}));
  EXPECT_EQ(newest("out").state, DeliveryState::kReplaced);
  ASSERT_TRUE(outbox_->set_channels({channel("in"), channel("out")}));
  tick();
  EXPECT_TRUE(sent().empty());
}

TEST_F(OutboxTest, DeletingAChannelWhoseReceiverHangsKeepsNobodyWaiting) {
  const base::SystemClock clock;
  reopen(clock);
  sender_->hang("out");
  outbox_->start();
  ASSERT_TRUE(outbox_->enqueue("out", message("k", "i1", clock)));
  ASSERT_TRUE(sender_->wait_for(1, 5s));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(outbox_->set_channels({channel("in")}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  ASSERT_TRUE(outbox_->enqueue("in", message("k", "i2", clock)));
  EXPECT_TRUE(sender_->wait_for(2, 5s));
  outbox_->stop();
}

TEST_F(OutboxTest, AProbeGoesPastWhatWaits) {
  ASSERT_TRUE(outbox_->enqueue("in", message("k", "i1")));
  sender_->answer_next(Receipt{403, "no", std::nullopt});
  const auto receipt = outbox_->probe(channel("new"), message("test/new", "i2"));
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->status, 403);
  EXPECT_TRUE(outbox_->deliveries("new", 10)->empty());
  ChannelSpec mail = channel("mail");
  mail.kind = ChannelKind::kEmail;
  EXPECT_EQ(outbox_->probe(mail, message("test/mail", "i3")).error().code(), Errc::kUnsupported);
}

}  // namespace
}  // namespace gpuscale::notify
