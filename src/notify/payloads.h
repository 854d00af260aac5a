// SPDX-License-Identifier: Apache-2.0
/// The bodies of webhooks: ours, and those that receivers of Grafana and Alertmanager already understand.
/// Pure.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "notify/message.h"

namespace gpuscale::notify {

/// Grafana 4's fields, and all of ours beside them under "gpuscale".
nlohmann::json own_payload(const Message& message);

/// Grafana 4.4.3's webhook, field for field (checked against a capture of one, tests/payloads_test.cpp).
/// `rule_id` and `rule_url` are Grafana's own numbering and link.
nlohmann::json grafana4_payload(const Message& message, std::int64_t rule_id, const std::string& rule_url);
/// A number that stays the same for a rule's name, for the field ruleId: 1 .. 2^31.
std::int64_t rule_id_of(const std::string& rule);

/// The webhook of Grafana 8 and later (unified alerting), one alert a message.
nlohmann::json grafana_payload(const Message& message, const std::string& receiver);
/// Alertmanager's webhook, version "4", one alert a message.
nlohmann::json alertmanager_payload(const Message& message, const std::string& receiver);
/// What POST /api/v2/alerts of an Alertmanager takes. A firing alert ends by itself a day after `at` where
/// nobody repeats it, so that it does not outlive us.
nlohmann::json alertmanager_alerts(const Message& message);

}  // namespace gpuscale::notify
