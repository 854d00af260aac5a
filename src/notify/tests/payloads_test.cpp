// SPDX-License-Identifier: Apache-2.0
/// The bodies of webhooks, against a capture of a real Grafana 4.4.3 ($GPUSCALE_COMPAT_DIR).
#include "notify/payloads.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace gpuscale::notify {
namespace {

using nlohmann::json;

json captured_webhooks() {
  const char* given = std::getenv("GPUSCALE_COMPAT_DIR");
  const std::filesystem::path folder =
      given != nullptr && *given != '\0'
          ? std::filesystem::path(given)
          : std::filesystem::path(GPUSCALE_SOURCE_DIR).parent_path() / "shared/compat";
  std::ifstream in(folder / "grafana443_capture.json");
  if (!in) return json::array();
  return json::parse(in).at("webhooks");
}

/// The message that a rule of ours would make of what that Grafana saw.
Message message_behind(const json& body) {
  Message message;
  message.rule = body.at("ruleName");
  message.title = body.at("title");
  message.words = body.at("message");
  const std::string state = body.at("state");
  const json& matches = body.at("evalMatches");
  // Alerting without a match was an error of its data source, or no data taken as an alert.
  message.state = state == "alerting" ? (matches.empty() ? "error" : "firing") : state;
  message.values = json::array();
  for (json match : matches) {
    match["matched"] = true;
    message.values.push_back(std::move(match));
  }
  message.values.push_back({{"metric", "calm"}, {"value", 1}, {"tags", nullptr}, {"matched", false}});
  return message;
}

TEST(Grafana4Payload, IsWhatARealOneSent) {
  const json webhooks = captured_webhooks();
  if (webhooks.empty()) GTEST_SKIP() << "no grafana443_capture.json in $GPUSCALE_COMPAT_DIR";
  EXPECT_GE(webhooks.size(), 18U);
  for (const json& webhook : webhooks) {
    const json& body = webhook.at("body");
    EXPECT_EQ(grafana4_payload(message_behind(body), body.at("ruleId"), body.at("ruleUrl")), body);
  }
}

Message firing_on_a_node() {
  Message message;
  message.rule = "hot";
  message.title = "[Alerting] hot{node=a}";
  message.text = "last(T, 10s) of {node=a}, value 91";
  message.state = "firing";
  message.at = base::from_unix_nanos(1'800'000'100'000'000'000);
  message.starts_at = base::from_unix_nanos(1'800'000'000'000'000'000);
  message.values =
      json::array({{{"metric", "{node=a}"}, {"value", 91}, {"tags", {{"node", "a"}}}, {"matched", true}}});
  message.labels = {{"node", "a"}, {"severity", "page"}};
  message.annotations = {{"runbook", "https://wiki/hot"}};
  message.pool = "gpu";
  return message;
}

TEST(AlertmanagerPayload, HasOneAlertWithItsLabels) {
  const json body = alertmanager_payload(firing_on_a_node(), "scaler");
  EXPECT_EQ(body.at("version"), "4");
  EXPECT_EQ(body.at("status"), "firing");
  EXPECT_EQ(body.at("receiver"), "scaler");
  EXPECT_EQ(body.at("groupKey"), "{}:{alertname=\"hot\"}");
  const json& alert = body.at("alerts").at(0);
  EXPECT_EQ(alert.at("labels"),
            (json{{"alertname", "hot"}, {"node", "a"}, {"pool", "gpu"}, {"severity", "page"}}));
  EXPECT_EQ(alert.at("startsAt"), "2027-01-15T08:00:00Z");
  EXPECT_EQ(alert.at("endsAt"), "0001-01-01T00:00:00Z");
  EXPECT_EQ(alert.at("annotations").at("runbook"), "https://wiki/hot");
  EXPECT_EQ(alert.at("fingerprint").get<std::string>().size(), 16U);
}

TEST(AlertmanagerPayload, TheEndIsTheSameAlertResolved) {
  Message over = firing_on_a_node();
  over.state = "ok";
  const json begun = alertmanager_payload(firing_on_a_node(), "scaler").at("alerts").at(0);
  const json ended = alertmanager_payload(over, "scaler").at("alerts").at(0);
  EXPECT_EQ(ended.at("status"), "resolved");
  EXPECT_EQ(ended.at("fingerprint"), begun.at("fingerprint"));
  EXPECT_EQ(ended.at("startsAt"), begun.at("startsAt"));
  EXPECT_EQ(ended.at("endsAt"), "2027-01-15T08:01:40Z");
}

TEST(AlertmanagerPayload, NoDataIsAnAlertOfAnotherKind) {
  Message silent = firing_on_a_node();
  silent.state = "no_data";
  const json alert = alertmanager_payload(silent, "scaler").at("alerts").at(0);
  EXPECT_EQ(alert.at("labels").at("gpuscale_state"), "no_data");
}

TEST(AlertmanagerAlerts, EndByThemselvesADayLater) {
  const json alerts = alertmanager_alerts(firing_on_a_node());
  EXPECT_EQ(alerts.at(0).at("endsAt"), "2027-01-16T08:01:40Z");
  EXPECT_FALSE(alerts.at(0).contains("status"));
}

TEST(GrafanaPayload, CarriesTheValuesThatMatched) {
  const json body = grafana_payload(firing_on_a_node(), "scaler");
  EXPECT_EQ(body.at("version"), "1");
  EXPECT_EQ(body.at("state"), "alerting");
  EXPECT_EQ(body.at("orgId"), 1);
  EXPECT_EQ(body.at("alerts").at(0).at("values"), (json{{"{node=a}", 91}}));
  EXPECT_EQ(body.at("alerts").at(0).at("valueString"), "[ metric='{node=a}' value=91 ]");
}

TEST(RuleId, StaysTheSame) {
  EXPECT_EQ(rule_id_of("high"), rule_id_of("high"));
  EXPECT_NE(rule_id_of("high"), rule_id_of("low"));
  EXPECT_GT(rule_id_of(""), 0);
}

}  // namespace
}  // namespace gpuscale::notify
