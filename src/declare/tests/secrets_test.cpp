// SPDX-License-Identifier: Apache-2.0
#include "declare/secrets.h"

#include <gmock/gmock.h>

namespace gpuscale::declare {
namespace {

using config::Kind;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const json kShownAsSet = {{"secret", "set"}};

TEST(Secrets, ArePartedFromWhatIsShown) {
  const json whole = {{"name", "w"},
                      {"type", "webhook"},
                      {"url", "https://x.invalid/hook?token=hunter2"},
                      {"bearer", "hunter2"},
                      {"basic", {{"user", "me"}, {"password", "hunter2"}}},
                      {"headers", {{"X-Api-Key", "hunter2"}, {"X-Team", "gpu/a~b"}}}};
  const Parted parted = part(Kind::kChannels, whole);
  EXPECT_THAT(parted.shown.dump(), Not(HasSubstr("hunter2")));
  EXPECT_EQ(parted.shown["url"], kShownAsSet);
  EXPECT_EQ(parted.shown["basic"], json({{"user", "me"}, {"password", kShownAsSet}}));
  EXPECT_EQ(parted.shown["headers"]["X-Team"], "gpu/a~b");
  EXPECT_EQ(parted.secrets.size(), 4U);
  EXPECT_EQ(*join(parted.shown, parted.secrets), whole);
}

TEST(Secrets, AnIncomingWebhooksUrlIsOne) {
  EXPECT_EQ(part(Kind::kChannels, {{"type", "slack"}, {"url", "https://hooks.invalid/T/B/x"}}).shown["url"],
            kShownAsSet);
  EXPECT_EQ(part(Kind::kChannels, {{"type", "webhook"}, {"url", "https://u:p@h.invalid/"}}).shown["url"],
            kShownAsSet);
  EXPECT_EQ(part(Kind::kChannels, {{"type", "webhook"}, {"url", "https://h.invalid/a"}}).shown["url"],
            "https://h.invalid/a");
}

TEST(Secrets, OfPoolsAndTriggers) {
  EXPECT_EQ(
      part(Kind::kPools, {{"provider", {{"type", "http"}, {"bearer", "b"}}}}).shown["provider"]["bearer"],
      kShownAsSet);
  const json fallback = {
      {"fallback", {{"type", "http"}, {"url", "https://a.invalid"}, {"bearer", "hunter2"}}}};
  EXPECT_THAT(part(Kind::kPools, {{"provider", fallback}}).shown.dump(), Not(HasSubstr("hunter2")));
  EXPECT_EQ(part(Kind::kTriggers, {{"secret", "0123456789abcdef"}}).shown["secret"], kShownAsSet);
  EXPECT_TRUE(part(Kind::kRules, {{"message", "token"}, {"bearer", "x"}}).secrets.empty());
}

TEST(Secrets, WhatIsNotKeptCanNotBeSetAgain) {
  const auto joined = join({{"bearer", kShownAsSet}}, {});
  ASSERT_FALSE(joined);
  EXPECT_THAT(joined.error().message(), HasSubstr("definition.bearer: no secret is stored"));
}

TEST(Secrets, DoNotFollowAReceiverElsewhere) {
  const json before = {{"type", "webhook"}, {"url", "https://a.invalid/x"}, {"bearer", "hunter2"}};
  json after = before;
  after["bearer"] = kShownAsSet;
  after["url"] = "https://a.invalid/y";
  EXPECT_EQ(moved_secret(before, after), "");
  after["url"] = "https://b.invalid/x";
  EXPECT_EQ(moved_secret(before, after), "definition.bearer");
  after["bearer"] = "new";
  EXPECT_EQ(moved_secret(before, after), "");
  const json mail = {{"type", "email"}, {"server", "smtp://a:587"}, {"password", "hunter2"}};
  json moved = mail;
  moved["server"] = "smtp://b:587";
  moved["password"] = kShownAsSet;
  EXPECT_EQ(moved_secret(mail, moved), "definition.password");
}

}  // namespace
}  // namespace gpuscale::declare
