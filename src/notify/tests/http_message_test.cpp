// SPDX-License-Identifier: Apache-2.0
#include "notify/http_message.h"

#include <gmock/gmock.h>

namespace gpuscale::notify {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const WallTime kSent = base::from_unix_nanos(1'700'000'000'123'000'000);

Message told() {
  Message message;
  message.key = "rule/high";
  message.idempotency = "c-1-7";
  message.correlation = "c-1";
  message.at = kSent;
  message.state = "firing";
  message.rule = "high";
  message.title = "[Alerting] high";
  message.text = "avg(C, 1m) = 61 > 45";
  message.pool = "gpu";
  message.values = json::array();
  return message;
}

ChannelSpec of_kind(ChannelKind kind) {
  ChannelSpec channel;
  channel.name = "out";
  channel.kind = kind;
  channel.url = "https://robot.example/send?access_token=hush";
  return channel;
}

http::ClientRequest request(const ChannelSpec& channel, const Message& message = told()) {
  auto made = request_of(channel, message, kSent);
  EXPECT_TRUE(made);
  return made ? *std::move(made) : http::ClientRequest{};
}

TEST(HttpMessage, DingtalkSignsInTheUrl) {
  ChannelSpec channel = of_kind(ChannelKind::kDingtalk);
  channel.secret = Secret("SEC0123456789");
  const auto made = request(channel);
  // printf '1700000000123\nSEC0123456789' | openssl dgst -sha256 -hmac SEC0123456789 -binary | base64
  EXPECT_THAT(made.url, StartsWith(channel.url + "&timestamp=1700000000123&sign="));
  EXPECT_THAT(made.url, HasSubstr("sign=TJcZCaw2244L6ShEhzB3a1XAY4k0W7YNHxgR24gEwZI%3D"));
  const json body = json::parse(made.body);
  EXPECT_EQ(body.at("msgtype"), "text");
  EXPECT_THAT(body.at("text").at("content").get<std::string>(),
              AllOf(StartsWith("[Alerting] high\navg(C, 1m) = 61 > 45"), EndsWith("\n2023-11-14T22:13:20Z")))
      << "people read it: to the second";
}

TEST(HttpMessage, FeishuSignsInTheBody) {
  ChannelSpec channel = of_kind(ChannelKind::kFeishu);
  channel.secret = Secret("feishu-secret");
  const json body = json::parse(request(channel).body);
  EXPECT_EQ(body.at("timestamp"), "1700000000");
  EXPECT_EQ(body.at("sign"), "OrBzY1Y01Gq+HgJsl+7OfWcMVwc7YocohQm5iiZwjhU=");
  EXPECT_FALSE(json::parse(request(of_kind(ChannelKind::kFeishu)).body).contains("sign"));
}

TEST(HttpMessage, RobotsThatAnswer200MayHaveRefused) {
  const auto status = [](ChannelKind kind, const std::string& body) {
    return receipt_of(of_kind(kind), {200, {}, body}).status;
  };
  EXPECT_EQ(status(ChannelKind::kDingtalk, R"({"errcode":0,"errmsg":"ok"})"), 200);
  EXPECT_EQ(status(ChannelKind::kDingtalk, R"({"errcode":310000,"errmsg":"sign not match"})"), 400);
  EXPECT_EQ(status(ChannelKind::kDingtalk, R"({"errcode":130101})"), 429);
  EXPECT_EQ(status(ChannelKind::kWecom, R"({"errcode":45009})"), 429);
  EXPECT_EQ(status(ChannelKind::kFeishu, R"({"code":19021,"msg":"sign match fail"})"), 400);
  EXPECT_EQ(status(ChannelKind::kFeishu, R"({"StatusCode":0})"), 200);
  EXPECT_EQ(status(ChannelKind::kSlack, "ok"), 200);
  EXPECT_EQ(status(ChannelKind::kWebhook, R"({"errcode":1})"), 200) << "a webhook's body is its own affair";
}

TEST(HttpMessage, PagerdutyHasOneIncidentPerRule) {
  ChannelSpec channel = of_kind(ChannelKind::kPagerduty);
  channel.secret = Secret("routing");
  const json begun = json::parse(request(channel).body);
  EXPECT_EQ(begun.at("event_action"), "trigger");
  EXPECT_EQ(begun.at("routing_key"), "routing");
  EXPECT_EQ(begun.at("payload").at("severity"), "error");
  Message over = told();
  over.state = "ok";
  const json ended = json::parse(request(channel, over).body);
  EXPECT_EQ(ended.at("event_action"), "resolve");
  EXPECT_EQ(ended.at("dedup_key"), begun.at("dedup_key"));
}

TEST(HttpMessage, SlackAndTeamsGetCards) {
  EXPECT_EQ(json::parse(request(of_kind(ChannelKind::kSlack)).body).at("attachments").at(0).at("color"),
            "danger");
  const json card = json::parse(request(of_kind(ChannelKind::kTeams)).body);
  EXPECT_EQ(card.at("attachments").at(0).at("content").at("body").at(0).at("text"), "[Alerting] high");
}

TEST(HttpMessage, AlertmanagerIsToldUnderItsOwnPath) {
  ChannelSpec channel = of_kind(ChannelKind::kAlertmanager);
  channel.url = "http://127.0.0.1:9093";
  const auto made = request(channel);
  EXPECT_EQ(made.url, "http://127.0.0.1:9093/api/v2/alerts");
  EXPECT_EQ(json::parse(made.body).at(0).at("labels").at("alertname"), "high");
}

TEST(HttpMessage, AWebhookIsSignedAsOurOwnTriggersTakeIt) {
  ChannelSpec channel = of_kind(ChannelKind::kWebhook);
  channel.secret = Secret("trigger-secret");
  channel.method = http::Method::kGet;
  // printf '1700000000.' | openssl dgst -sha256 -hmac "$(printf trigger-secret | sha256sum | cut -d' ' -f1)"
  EXPECT_EQ(request(channel).headers.get("X-Gpuscale-Signature"),
            "t=1700000000,v1=2fb8e4a7ea2fa5e0a1e51761dc6421bceab7434ca52340e4c8fc3b6450e5ebfc");
}

TEST(HttpMessage, ATemplateMakesTheBody) {
  ChannelSpec channel = of_kind(ChannelKind::kWebhook);
  channel.payload = Payload::kTemplate;
  channel.body = R"({"q": {{ title | json }}, "pool": "{{ pool }}"})";
  EXPECT_EQ(request(channel).body, R"({"q": "[Alerting] high", "pool": "gpu"})");
  channel.body = "{{ nothing }}";
  EXPECT_FALSE(request_of(channel, told(), kSent));
}

TEST(HttpMessage, BasicAndHeaders) {
  ChannelSpec channel = of_kind(ChannelKind::kWebhook);
  channel.user = "u";
  channel.password = Secret("p");
  channel.headers = {{"X-Team", "vision"}};
  EXPECT_EQ(request(channel).headers.get("Authorization"), "Basic dTpw");
  EXPECT_EQ(request(channel).headers.get("X-Team"), "vision");
}

TEST(HttpMessage, LongTextsAreCutBetweenCharacters) {
  Message message = told();
  for (int i = 0; i < 1'000; ++i) message.words += "\xE6\x89\xA9";
  const std::string text =
      json::parse(request(of_kind(ChannelKind::kWecom), message).body).at("text").at("content");
  EXPECT_LE(text.size(), 2'000U);
  EXPECT_THAT(text, Not(HasSubstr("\xEF\xBF\xBD"))) << "no replacement character";
}

}  // namespace
}  // namespace gpuscale::notify
