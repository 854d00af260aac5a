// SPDX-License-Identifier: Apache-2.0
/// Channels over real TLS: who the receiver is, who we are, and that no password goes in the clear.
#include <gmock/gmock.h>

#include "base/system_clock.h"
#include "notify/outbox.h"
#include "notify/testing/tls_peer.h"

namespace gpuscale::notify {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::TestAuthority;
using testing::TlsPeer;

Message sealed_message() {
  Message message;
  message.key = "rule/high";
  message.idempotency = "c-1-7";
  message.correlation = "c-1";
  message.state = "firing";
  message.rule = "high";
  message.title = "[Alerting] high";
  message.values = nlohmann::json::array();
  return message;
}

class TlsChannel : public ::testing::Test {
 protected:
  ChannelSpec webhook(const TlsPeer& peer) const {
    ChannelSpec channel;
    channel.name = "out";
    channel.url = "https://" + peer.address() + "/hook";
    channel.ca_file = ours_.file("ca.pem");
    channel.timeout = 5s;
    return channel;
  }
  ChannelSpec mail(const TlsPeer& peer, const std::string& scheme) const {
    ChannelSpec channel;
    channel.name = "mail";
    channel.kind = ChannelKind::kEmail;
    channel.url = scheme + "://" + peer.address();
    channel.ca_file = ours_.file("ca.pem");
    channel.user = "me";
    channel.password = Secret("hunter2");
    channel.from = "gpuscale@example.org";
    channel.to = {"ops@example.org"};
    channel.timeout = 5s;
    return channel;
  }
  TestAuthority ours_{"ours"};
  TestAuthority theirs_{"theirs"};
};

TEST_F(TlsChannel, AWebhookShowsItsCertificateToAReceiverThatAsks) {
  const TlsPeer peer(TlsPeer::Speaks::kHttps, ours_, &ours_);
  ChannelSpec channel = webhook(peer);
  channel.client_certificate = ours_.file("client.pem");
  channel.client_key = ours_.file("client.key");
  const auto receipt = make_webhook_sender()->send(channel, sealed_message());
  ASSERT_TRUE(receipt) << receipt.error().message();
  EXPECT_EQ(receipt->status, 200);
  EXPECT_THAT(peer.seen(), ElementsAre("TLS client", "POST /hook HTTP/1.1"));
}

TEST_F(TlsChannel, WithoutACertificateOrWithAStrangersNothingIsDelivered) {
  const TlsPeer peer(TlsPeer::Speaks::kHttps, ours_, &ours_);
  EXPECT_FALSE(make_webhook_sender()->send(webhook(peer), sealed_message()));
  ChannelSpec stranger = webhook(peer);
  stranger.client_certificate = theirs_.file("client.pem");
  stranger.client_key = theirs_.file("client.key");
  EXPECT_FALSE(make_webhook_sender()->send(stranger, sealed_message()));
  EXPECT_THAT(peer.seen(), Not(Contains(HasSubstr("POST"))));
}

TEST_F(TlsChannel, AReceiverThatNobodyVouchesForGetsNothing) {
  const TlsPeer peer(TlsPeer::Speaks::kHttps, theirs_);
  const auto receipt = make_webhook_sender()->send(webhook(peer), sealed_message());
  ASSERT_FALSE(receipt);
  EXPECT_THAT(receipt.error().message(), HasSubstr("certificate"));
  EXPECT_THAT(peer.seen(), IsEmpty());
}

TEST_F(TlsChannel, AMailGoesOverTlsFromTheStart) {
  const TlsPeer peer(TlsPeer::Speaks::kSmtps, ours_);
  const auto receipt = make_mail_sender()->send(mail(peer, "smtps"), sealed_message());
  ASSERT_TRUE(receipt) << receipt.error().message();
  EXPECT_EQ(receipt->status, 200);
  EXPECT_THAT(peer.seen(), Contains(HasSubstr("Subject: [Alerting] high")));
}

TEST_F(TlsChannel, APasswordWaitsForStartTls) {
  const TlsPeer peer(TlsPeer::Speaks::kSmtpStartTls, ours_);
  const auto receipt = make_mail_sender()->send(mail(peer, "smtp"), sealed_message());
  ASSERT_TRUE(receipt) << receipt.error().message();
  const auto seen = peer.seen();
  const auto tls = std::find(seen.begin(), seen.end(), "TLS ");
  const auto authenticated = std::find_if(seen.begin(), seen.end(),
                                          [](const std::string& line) { return line.starts_with("AUTH"); });
  ASSERT_NE(tls, seen.end());
  ASSERT_NE(authenticated, seen.end());
  EXPECT_LT(tls, authenticated);
}

TEST_F(TlsChannel, AServerWithoutTlsNeverSeesThePassword) {
  const TlsPeer peer(TlsPeer::Speaks::kSmtpPlain, ours_);
  EXPECT_FALSE(make_mail_sender()->send(mail(peer, "smtp"), sealed_message()));
  EXPECT_THAT(peer.seen(), Not(Contains(HasSubstr("AUTH"))));
}

TEST_F(TlsChannel, AMailServerThatNobodyVouchesForSeesNoPassword) {
  const TlsPeer peer(TlsPeer::Speaks::kSmtpStartTls, theirs_);
  EXPECT_FALSE(make_mail_sender()->send(mail(peer, "smtp"), sealed_message()));
  EXPECT_THAT(peer.seen(), Not(Contains(HasSubstr("AUTH"))));
}

}  // namespace
}  // namespace gpuscale::notify
