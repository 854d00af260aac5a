// SPDX-License-Identifier: Apache-2.0
#include "api/alert_body.h"

#include <gtest/gtest.h>

#include "api/testing/test_api.h"
#include "base/cidr.h"

namespace gpuscale::api {
namespace {

using nlohmann::json;
using testing::parsed;
using testing::TestApi;

json group(const std::string& status, const std::vector<json>& alerts) {
  return {{"version", "4"}, {"groupKey", "{}:{alertname=\"hot\"}"}, {"status", status}, {"alerts", alerts}};
}
json alert(const std::string& status, const std::string& fingerprint,
           const std::string& starts = "2026-11-26T10:00:00Z") {
  return {
      {"status", status}, {"fingerprint", fingerprint}, {"startsAt", starts}, {"labels", {{"node", "a"}}}};
}

TEST(AlertBody, AlertmanagersGroupsAreKnownByTheirAlerts) {
  const auto first = read_alert(group("firing", {alert("firing", "a"), alert("firing", "b")}));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->firing);
  EXPECT_EQ(first->about, "alertmanager {}:{alertname=\"hot\"}, 2 firing");
  const auto turned = read_alert(group("firing", {alert("firing", "b"), alert("firing", "a")}));
  EXPECT_EQ(turned->key, first->key) << "the order tells nothing";
  const auto grown =
      read_alert(group("firing", {alert("firing", "a"), alert("firing", "b"), alert("firing", "c")}));
  EXPECT_NE(grown->key, first->key) << "another alert is news";
  const auto again =
      read_alert(group("firing", {alert("firing", "a", "2026-11-26T11:00:00Z"), alert("firing", "b")}));
  EXPECT_NE(again->key, first->key) << "a new episode";
}

TEST(AlertBody, TheEndIsToldApartFromNotKnowing) {
  EXPECT_TRUE(read_alert(group("resolved", {alert("resolved", "a")}))->resolved);
  EXPECT_TRUE(read_alert({{"ruleName", "x"}, {"state", "ok"}})->resolved);
  for (const char* state : {"no_data", "pending", "paused", "unknown"}) {
    const auto seen = read_alert({{"ruleName", "x"}, {"state", state}});
    EXPECT_FALSE(seen->firing) << state;
    EXPECT_FALSE(seen->resolved) << state;
  }
  EXPECT_TRUE(read_alert({{"ruleName", "x"}, {"state", "alerting"}})->firing);
}

TEST(AlertBody, AnythingElseIsNoAlert) {
  EXPECT_FALSE(read_alert(json::array()));
  EXPECT_FALSE(read_alert({{"triggerUrl", "gpu-out"}}));
  EXPECT_FALSE(read_alert({{"alerts", 3}}));
  EXPECT_TRUE(read_alert({{"alerts", {1, "x", nullptr}}})) << "odd entries are passed over";
}

TEST(HookTrigger, AnAlertBringsItsOwnKeyThatLastsAsLongAsTheTriggersRepeat) {
  TestApi api;
  api.controller.out_spec.repeat = std::chrono::seconds{30};
  const std::string body = group("firing", {alert("firing", "a")}).dump();
  EXPECT_EQ(api.send(TestApi::request(http::Method::kPost, "/hook/trigger?triggerUrl=gpu-out&secret=s3cret",
                                      body, {}))
                .status,
            200);
  ASSERT_EQ(api.controller.calls.size(), 1U);
  EXPECT_EQ(api.controller.calls[0].idempotency_key, read_alert(json::parse(body))->key);
  EXPECT_EQ(api.controller.calls[0].key_life, Nanos{std::chrono::seconds{30}});
}

TEST(HookTrigger, AnAlertThatEndedPullsTheOtherTriggerWhereItIsTold) {
  TestApi api;
  const std::string body = group("resolved", {alert("resolved", "a")}).dump();
  const auto call = [&] {
    return api.send(TestApi::request(http::Method::kPost,
                                     "/hook/trigger?triggerUrl=gpu-out&secret=s3cret&type=scale_out&step=3",
                                     body, {}));
  };
  EXPECT_EQ(parsed(call())["status"], "unchanged");
  EXPECT_TRUE(api.controller.calls.empty());
  api.controller.out_spec.on_resolved = "gpu-in";
  EXPECT_EQ(parsed(call())["status"], "accepted");
  ASSERT_EQ(api.controller.calls.size(), 1U);
  EXPECT_EQ(api.controller.calls[0].trigger, "gpu-in");
  EXPECT_FALSE(api.controller.calls[0].step);
}

TEST(HookTrigger, RefusesStrangersAndHaste) {
  TestApi api;
  api.controller.out_spec.sources = {*base::Cidr::parse("10.0.0.0/8")};
  const auto call = [&] {
    return api.send(
        TestApi::request(http::Method::kPost, "/hook/trigger?triggerUrl=gpu-out&secret=s3cret", "", {}));
  };
  EXPECT_EQ(call().status, 403);
  api.controller.out_spec.sources = {*base::Cidr::parse("127.0.0.0/8")};
  api.controller.out_spec.calls_per_minute = 2;
  EXPECT_EQ(call().status, 200);
  EXPECT_EQ(call().status, 200);
  EXPECT_EQ(call().status, 429);
  api.clock.advance(std::chrono::minutes{1});
  EXPECT_EQ(call().status, 200);
}

TEST(Cidr, HoldsTheAddressesOfItsRange) {
  const auto range = base::Cidr::parse("192.168.16.0/20");
  ASSERT_TRUE(range);
  EXPECT_TRUE(range->contains("192.168.31.255"));
  EXPECT_FALSE(range->contains("192.168.32.0"));
  EXPECT_TRUE(range->contains("::ffff:192.168.16.1"));
  EXPECT_FALSE(range->contains("fe80::1"));
  EXPECT_FALSE(range->contains("nonsense"));
  EXPECT_TRUE(base::Cidr::parse("0.0.0.0/0")->contains("8.8.8.8"));
  EXPECT_TRUE(base::Cidr::parse("2001:db8::/33")->contains("2001:db8:7fff::1"));
  EXPECT_FALSE(base::Cidr::parse("2001:db8::/33")->contains("2001:db8:8000::1"));
  EXPECT_TRUE(base::Cidr::parse("10.1.2.3")->contains("10.1.2.3"));
  EXPECT_FALSE(base::Cidr::parse("10.1.2.3")->contains("10.1.2.4"));
  for (const char* wrong : {"", "10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/", "10.0.0.0/-1", "::/129"}) {
    EXPECT_FALSE(base::Cidr::parse(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace gpuscale::api
