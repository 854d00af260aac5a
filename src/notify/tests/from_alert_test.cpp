// SPDX-License-Identifier: Apache-2.0
#include "notify/from_alert.h"

#include <gmock/gmock.h>

#include "base/testing/manual_clock.h"
#include "notify/testing/fake_sender.h"

namespace gpuscale::notify {
namespace {

class SinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *db::Database::open("");
    ledger_ = *activity::Ledger::open(*database_);
    outbox_ =
        *Outbox::open(*database_, *ledger_, clock_, log::Log::silent(), {{ChannelKind::kWebhook, sender_}});
    ChannelSpec firing;
    firing.name = "scaler";
    ChannelSpec everything;
    everything.name = "people";
    everything.states = {"firing", "ok", "no_data"};
    ASSERT_TRUE(outbox_->set_channels({firing, everything}));
  }
  alert::Notification notification(alert::State state, std::uint64_t sequence) {
    alert::Notification out;
    out.rule = "GPU usage high";
    out.channels = {"scaler", "people"};
    out.state = state;
    out.sequence = sequence;
    out.correlation = "c-1";
    out.at = clock_.wall();
    out.values = nlohmann::json::array();
    return out;
  }
  std::vector<std::string> sent() {
    outbox_->tick(clock_.wall());
    std::vector<std::string> out;
    for (const auto& each : sender_->sent()) out.push_back(each.channel.name + " " + each.message.state);
    return out;
  }

  base::testing::ManualClock clock_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  std::shared_ptr<testing::FakeSender> sender_ = std::make_shared<testing::FakeSender>();
  std::unique_ptr<Outbox> outbox_;
};

TEST_F(SinkTest, EachChannelGetsTheStatesThatItWants) {
  const auto sink = sink_into(*outbox_);
  ASSERT_TRUE(sink(notification(alert::State::kFiring, 1)));
  EXPECT_THAT(sent(), ::testing::UnorderedElementsAre("scaler firing", "people firing"));
  ASSERT_TRUE(sink(notification(alert::State::kNoData, 2)));
  ASSERT_TRUE(sink(notification(alert::State::kInactive, 3)));
  EXPECT_THAT(sent(), ::testing::UnorderedElementsAre("scaler firing", "people firing", "people ok"));
}

TEST_F(SinkTest, AnEpisodeThatEndedCallsOffItsWaitingMessages) {
  const auto sink = sink_into(*outbox_);
  ASSERT_TRUE(sink(notification(alert::State::kFiring, 1)));
  ASSERT_TRUE(sink(notification(alert::State::kInactive, 2)));
  EXPECT_EQ(sent(), std::vector<std::string>{"people ok"});
}

TEST_F(SinkTest, WhatWaitsIsHeldWhileTheRuleIsBlind) {
  const auto sink = sink_into(*outbox_);
  ASSERT_TRUE(sink(notification(alert::State::kFiring, 1)));
  alert::Notification word = notification(alert::State::kFiring, 1);
  word.channels.clear();
  word.held = true;
  ASSERT_TRUE(sink(word));
  EXPECT_TRUE(sent().empty());
  word.held = false;
  ASSERT_TRUE(sink(word));
  EXPECT_EQ(sent().size(), 2U);
}

TEST_F(SinkTest, TakenTwiceIsSentOnce) {
  const auto sink = sink_into(*outbox_);
  ASSERT_TRUE(sink(notification(alert::State::kFiring, 1)));
  EXPECT_EQ(sent().size(), 2U);
  ASSERT_TRUE(sink(notification(alert::State::kFiring, 1)));
  EXPECT_EQ(sent().size(), 2U);
  ASSERT_TRUE(sink(notification(alert::State::kFiring, 2)));
  EXPECT_EQ(sent().size(), 4U) << "a repeat is a message of its own";
}

TEST_F(SinkTest, AChannelThatIsNoMoreKeepsNoOtherWaiting) {
  ChannelSpec people;
  people.name = "people";
  ASSERT_TRUE(outbox_->set_channels({people}));
  ASSERT_TRUE(sink_into(*outbox_)(notification(alert::State::kFiring, 1)));
  EXPECT_EQ(sent(), std::vector<std::string>{"people firing"});
}

TEST_F(SinkTest, AnEndHandedOverTwiceStillArrives) {
  const auto sink = sink_into(*outbox_);
  sender_->answer_next(fail(Errc::kUnavailable, "refused"));
  ASSERT_TRUE(sink(notification(alert::State::kInactive, 3)));
  sent();
  // A crash came before the rule had noted that it was taken.
  ASSERT_TRUE(sink(notification(alert::State::kInactive, 3)));
  clock_.advance(std::chrono::minutes{1});
  EXPECT_THAT(sent(), ::testing::ElementsAre("people ok", "people ok"));
  EXPECT_EQ(outbox_->deliveries("people", 1)->at(0).state, DeliveryState::kDelivered);
}

}  // namespace
}  // namespace gpuscale::notify
