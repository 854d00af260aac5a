// SPDX-License-Identifier: Apache-2.0
/// The webhook sender against a real receiver.
#include <gmock/gmock.h>

#include <future>

#include "http/testing/imposter.h"
#include "notify/outbox.h"

namespace gpuscale::notify {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

Message firing() {
  Message message;
  message.key = "rule/high";
  message.idempotency = "c-1-7";
  message.correlation = "c-1";
  message.at = base::from_unix_nanos(1'700'000'000'000'000'000);
  message.state = "firing";
  message.rule = "high";
  message.title = "[Alerting] high";
  message.text = "avg(C, 1m) = 61 > 45";
  message.values = json::array({{{"metric", "gpu.mean"}, {"value", 61}, {"tags", nullptr}, {"matched", true}},
                                {{"metric", "calm"}, {"value", 1}, {"tags", nullptr}, {"matched", false}}});
  return message;
}

ChannelSpec to(const http::testing::Imposter& receiver, const std::string& path = "/hook?secret=hush") {
  ChannelSpec channel;
  channel.name = "out";
  channel.url = receiver.url() + path;
  return channel;
}

TEST(Webhook, SendsWhatGrafanaWouldAndOursBesideIt) {
  http::testing::Imposter receiver;
  receiver.answer_next(http::Response::json(200, "{\"to\":3}"));
  ChannelSpec channel = to(receiver);
  channel.bearer = Secret{"token"};
  channel.headers = {{"X-Team", "vision"}};
  const auto receipt = make_webhook_sender()->send(channel, firing());
  ASSERT_TRUE(receipt) << receipt.error().message();
  EXPECT_EQ(receipt->status, 200);
  EXPECT_EQ(receipt->answer, "{\"to\":3}");
  const auto seen = receiver.requests().at(0);
  EXPECT_EQ(seen.method, http::Method::kPost);
  EXPECT_EQ(seen.query.get("secret"), "hush");
  EXPECT_EQ(seen.headers.get("Idempotency-Key"), "c-1-7");
  EXPECT_EQ(seen.headers.get("X-Gpuscale-Correlation"), "c-1");
  EXPECT_EQ(seen.headers.get("Authorization"), "Bearer token");
  EXPECT_EQ(seen.headers.get("X-Team"), "vision");
  const json body = json::parse(seen.body);
  EXPECT_EQ(body["state"], "alerting");
  EXPECT_EQ(body["ruleName"], "high");
  EXPECT_EQ(body["title"], "[Alerting] high");
  EXPECT_EQ(body["evalMatches"], json::array({{{"metric", "gpu.mean"}, {"value", 61}, {"tags", nullptr}}}));
  EXPECT_EQ(body["gpuscale"]["state"], "firing");
}

TEST(Webhook, AGetCarriesNoBody) {
  http::testing::Imposter receiver;
  ChannelSpec channel = to(receiver);
  channel.method = http::Method::kGet;
  ASSERT_TRUE(make_webhook_sender()->send(channel, firing()));
  EXPECT_EQ(receiver.requests().at(0).body, "");
}

TEST(Webhook, KeepsTheReceiversWordsAndPatience) {
  http::testing::Imposter receiver;
  http::Response busy = http::Response::text(429, std::string(100'000 / 2, 'x'));
  busy.headers.set("Retry-After", "7");
  receiver.answer_next(busy);
  const auto receipt = make_webhook_sender()->send(to(receiver), firing());
  ASSERT_TRUE(receipt) << receipt.error().message();
  EXPECT_EQ(receipt->status, 429);
  EXPECT_EQ(receipt->retry_after, Nanos{7s});
  EXPECT_EQ(receipt->answer.size(), kMaxAnswerBytes);
}

TEST(Webhook, ARedirectIsAnAnswerSoThatNoSecretIsCarriedElsewhere) {
  http::testing::Imposter elsewhere;
  http::testing::Imposter receiver;
  http::Response away;
  away.status = 307;
  away.headers.set("Location", elsewhere.url());
  receiver.answer_next(away);
  EXPECT_EQ(make_webhook_sender()->send(to(receiver), firing())->status, 307);
  EXPECT_TRUE(elsewhere.requests().empty());
}

TEST(Webhook, AReceiverThatIsAwayIsNamedWithoutItsSecret) {
  ChannelSpec channel;
  {
    const http::testing::Imposter receiver;
    channel = to(receiver);
  }
  const auto receipt = make_webhook_sender()->send(channel, firing());
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code(), Errc::kUnavailable);
  EXPECT_THAT(receipt.error().message(), Not(HasSubstr("hush")));
}

TEST(Webhook, AStopCutsAHangingReceiverShort) {
  std::shared_ptr<http::Responder> kept;
  http::testing::Imposter receiver(0, [&kept](const http::Request&) {
    http::Response response;
    response.later = [&kept](std::shared_ptr<http::Responder> responder) { kept = std::move(responder); };
    return response;
  });
  const auto sender = make_webhook_sender();
  auto sending = std::async(std::launch::async, [&] { return sender->send(to(receiver), firing()); });
  ASSERT_TRUE(receiver.wait_for(1));
  sender->stop();
  const auto receipt = sending.get();
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code(), Errc::kUnavailable);
  receiver.stop();
}

}  // namespace
}  // namespace gpuscale::notify
