// SPDX-License-Identifier: Apache-2.0
/// The alerts of others as calls of a trigger: what the webhooks of Grafana 4, of Grafana's later alerting
/// and of Alertmanager say. Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace gpuscale::api {

struct AlertBody {
  bool firing = false;
  /// Not firing because the alert has ended, rather than because nobody knows (no data) or looks (paused).
  bool resolved = false;
  std::string words;  ///< what says so: "status \"resolved\""
  /// The same for the same alerts: Alertmanager's group key with the fingerprints and starts of the alerts
  /// that are told of; Grafana 4's rule and state. A retry has it, and so has a repetition.
  std::string key;
  std::string about;  ///< for the ledger: "alertmanager {}:{alertname=\"hot\"}, 2 firing", "grafana rule hot"
};

/// nullopt = not an alert.
std::optional<AlertBody> read_alert(const nlohmann::json& body);

}  // namespace gpuscale::api
