// SPDX-License-Identifier: Apache-2.0
#include "api/alert_body.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

constexpr std::size_t kLongestAbout = 200;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  return found->dump(-1, ' ', false, json::error_handler_t::replace);
}

/// What stays the same of an alert while it lasts.
std::string identity_of(const json& alert) {
  std::string id = text_at(alert, "fingerprint");
  if (id.empty()) id = text_at(alert, "labels");
  return id + "@" + text_at(alert, "startsAt");
}

AlertBody group_of_alerts(const json& body) {
  AlertBody out;
  std::vector<std::string> firing;
  std::vector<std::string> resolved;
  for (const json& alert : body.at("alerts")) {
    if (!alert.is_object()) continue;
    (text_at(alert, "status") == "resolved" ? resolved : firing).push_back(identity_of(alert));
  }
  const std::string status = text_at(body, "status");
  out.firing = status.empty() ? !firing.empty() : status == "firing";
  out.resolved = !out.firing && status == "resolved";
  if (!out.firing) out.words = "status \"" + status.substr(0, 20) + "\"";
  std::vector<std::string>& told = out.firing ? firing : resolved;
  std::sort(told.begin(), told.end());
  std::string all = text_at(body, "groupKey") + "\n" + status;
  for (const std::string& id : told) all += "\n" + id;
  out.key = "alerts " + base::sha256_hex(all);
  // Grafana's later alerting sends Alertmanager's form with an orgId.
  out.about = std::string(body.contains("orgId") ? "grafana " : "alertmanager ") + text_at(body, "groupKey") +
              ", " + std::to_string(told.size()) + (out.firing ? " firing" : " resolved");
  return out;
}

AlertBody grafana4(const json& body) {
  AlertBody out;
  const std::string state = text_at(body, "state");
  out.firing = state == "alerting" || state == "firing";
  out.resolved = state == "ok";
  if (!out.firing) out.words = "state \"" + state.substr(0, 20) + "\"";
  out.key = "grafana " + base::sha256_hex(text_at(body, "ruleId") + "\n" + text_at(body, "ruleUrl") + "\n" +
                                          text_at(body, "ruleName") + "\n" + state);
  out.about = "grafana rule " + text_at(body, "ruleName");
  return out;
}

}  // namespace

std::optional<AlertBody> read_alert(const json& body) {
  if (!body.is_object()) return std::nullopt;
  std::optional<AlertBody> out;
  if (const auto alerts = body.find("alerts"); alerts != body.end() && alerts->is_array()) {
    out = group_of_alerts(body);
  } else if (body.contains("ruleName") && body.contains("state")) {
    out = grafana4(body);
  }
  if (out && out->about.size() > kLongestAbout) out->about.resize(kLongestAbout);
  return out;
}

}  // namespace gpuscale::api
