// SPDX-License-Identifier: Apache-2.0
#include "notify/payloads.h"

#include "base/digest.h"
#include "base/rfc3339.h"

namespace gpuscale::notify {
namespace {

using nlohmann::json;

/// What Go prints for a time that was never set.
constexpr const char* kNever = "0001-01-01T00:00:00Z";
constexpr Nanos kAlertLife = std::chrono::hours{24};

bool is_over(const Message& message) {
  return message.state == "ok";
}

std::string grafana_state(const std::string& state) {
  return state == "firing" || state == "error" ? "alerting" : state;
}

json matches_of(const Message& message) {
  json out = json::array();
  if (message.state != "firing" || !message.values.is_array()) return out;
  for (const json& value : message.values) {
    if (!value.is_object() || !value.value("matched", true)) continue;
    out.push_back({{"metric", value.value("metric", "")},
                   {"value", value.contains("value") ? value["value"] : json()},
                   {"tags", value.contains("tags") ? value["tags"] : json()}});
  }
  return out;
}

json labels_of(const Message& message) {
  json out = message.labels;
  out["alertname"] = message.rule;
  if (!message.pool.empty()) out.emplace("pool", message.pool);
  // A state of its own, so that a receiver which scales on alerts can tell load from silence.
  if (message.state == "no_data" || message.state == "error") out["gpuscale_state"] = message.state;
  return out;
}

json annotations_of(const Message& message) {
  json out = message.annotations;
  out.emplace("summary", message.title);
  out.emplace("description", message.words.empty() ? message.text : message.words + "\n" + message.text);
  return out;
}

json alert_of(const Message& message) {
  const json labels = labels_of(message);
  return {{"status", is_over(message) ? "resolved" : "firing"},
          {"labels", labels},
          {"annotations", annotations_of(message)},
          {"startsAt", base::format_rfc3339(message.starts_at)},
          {"endsAt", is_over(message) ? base::format_rfc3339(message.at) : std::string(kNever)},
          {"generatorURL", ""},
          {"fingerprint",
           base::sha256_hex(labels.dump(-1, ' ', false, json::error_handler_t::replace)).substr(0, 16)}};
}

json group_of(const Message& message, const std::string& receiver, const char* version) {
  return {{"receiver", receiver},
          {"status", is_over(message) ? "resolved" : "firing"},
          {"groupLabels", {{"alertname", message.rule}}},
          {"commonLabels", labels_of(message)},
          {"commonAnnotations", annotations_of(message)},
          {"externalURL", ""},
          {"version", version},
          {"groupKey",
           "{}:{alertname=" + json(message.rule).dump(-1, ' ', false, json::error_handler_t::replace) + "}"},
          {"truncatedAlerts", 0}};
}

}  // namespace

json own_payload(const Message& message) {
  const std::string words = message.words.empty() ? message.text : message.words + "\n" + message.text;
  return {{"title", message.title},
          {"ruleName", message.rule},
          {"state", grafana_state(message.state)},
          {"message", words},
          {"evalMatches", matches_of(message)},
          {"gpuscale",
           {{"key", message.key},
            {"state", message.state},
            {"at", base::format_rfc3339(message.at)},
            {"starts_at", base::format_rfc3339(message.starts_at)},
            {"expires", base::format_rfc3339(message.expires)},
            {"correlation", message.correlation},
            {"idempotency_key", message.idempotency},
            {"pool", message.pool},
            {"labels", message.labels},
            {"annotations", message.annotations},
            {"values", message.values}}}};
}

json grafana4_payload(const Message& message, std::int64_t rule_id, const std::string& rule_url) {
  return {{"title", message.title},
          {"ruleId", rule_id},
          {"ruleName", message.rule},
          {"ruleUrl", rule_url},
          {"state", grafana_state(message.state)},
          {"message", message.words},
          {"evalMatches", matches_of(message)}};
}

std::int64_t rule_id_of(const std::string& rule) {
  constexpr int kHexDigits = 7;  // 28 bits: fits every receiver's integer
  return std::stoll(base::sha256_hex(rule).substr(0, kHexDigits), nullptr, 16) + 1;
}

json grafana_payload(const Message& message, const std::string& receiver) {
  json alert = alert_of(message);
  json values = json::object();
  std::string text;
  for (const json& value : matches_of(message)) {
    const std::string name = value.at("metric").get<std::string>();
    values[name] = value.at("value");
    text += (text.empty() ? "" : ", ") + std::string("[ metric='") + name +
            "' value=" + value.at("value").dump() + " ]";
  }
  alert["values"] = is_over(message) ? json() : values;
  alert["valueString"] = text;
  alert["silenceURL"] = "";
  alert["dashboardURL"] = "";
  alert["panelURL"] = "";
  json out = group_of(message, receiver, "1");
  out["orgId"] = 1;
  out["alerts"] = json::array({std::move(alert)});
  out["title"] = message.title;
  out["state"] = is_over(message) ? "ok" : "alerting";
  out["message"] = message.words.empty() ? message.text : message.words + "\n" + message.text;
  return out;
}

json alertmanager_payload(const Message& message, const std::string& receiver) {
  json out = group_of(message, receiver, "4");
  out["alerts"] = json::array({alert_of(message)});
  return out;
}

json alertmanager_alerts(const Message& message) {
  json alert = alert_of(message);
  alert.erase("status");
  alert.erase("fingerprint");
  alert["endsAt"] = base::format_rfc3339(is_over(message) ? message.at : message.at + kAlertLife);
  return json::array({std::move(alert)});
}

}  // namespace gpuscale::notify
