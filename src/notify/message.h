// SPDX-License-Identifier: Apache-2.0
/// What a rule hands to channels, and what channels are.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/message.h"

namespace gpuscale::notify {

/// A fact to be told. `key` names what it is about: of two undelivered messages with the same channel and key
/// the newer replaces the older, since what counts is the present truth.
struct Message {
  std::string key;          ///< "rule/GPU usage high"
  std::string idempotency;  ///< unique per message, sent as Idempotency-Key; equal on every retry
  std::string correlation;  ///< of the episode: receivers that group alerts know it by this
  WallTime at;
  WallTime starts_at;  ///< of the episode
  std::string state;   ///< "firing" | "ok" | "no_data" | "error"
  std::string rule;
  std::string title;
  std::string text;                                ///< what was compared with what
  std::string words;                               ///< its owner's, rendered; may be empty
  nlohmann::json values;                           ///< array of {"metric","value","tags","matched"}
  std::map<std::string, std::string> labels;       ///< the rule's and the series'
  std::map<std::string, std::string> annotations;  ///< rendered
  std::string pool;                                ///< "" = none
  WallTime expires;                                ///< not sent after this
};

/// As the outbox keeps it: JSON. Errors of the way back: kCorrupt.
std::string encode(const Message& message);
Result<Message> decode_message(const std::string& text);

enum class ChannelKind {
  kWebhook,
  kTrigger,
  kDingtalk,
  kWecom,
  kFeishu,
  kSlack,
  kTeams,
  kPagerduty,
  kAlertmanager,
  kEmail,
  kExec,
};
/// "webhook", "trigger", ...
std::string_view to_string(ChannelKind kind);
/// In the order of the enumerators.
const std::vector<std::string>& channel_kind_names();

/// The form of a webhook's body.
enum class Payload { kOwn, kGrafana4, kGrafana, kAlertmanager, kTemplate };

struct ChannelSpec {
  std::string name;
  ChannelKind kind = ChannelKind::kWebhook;
  std::vector<std::string> states = {
      "firing"};  ///< which states are sent; a scaling webhook wants firing only
  std::chrono::milliseconds timeout{10'000};
  // of all that go by HTTP
  std::string url;  ///< may contain a secret; shown and logged only through http::redact_url
  std::map<std::string, std::string> headers;
  std::string ca_file;
  std::string client_certificate;  ///< PEM; with client_key: mTLS
  std::string client_key;
  Secret bearer;
  std::string user;  ///< Basic, with password; of an e-mail: of its server
  Secret password;
  // webhook
  http::Method method = http::Method::kPost;
  Payload payload = Payload::kOwn;
  std::string body;  ///< of Payload::kTemplate
  /// Of a webhook: signs "<t>.<body>" as calls of /hook/trigger are signed. Of DingTalk and Feishu: the
  /// robot's signing secret. Of PagerDuty: the routing key.
  Secret secret;
  // trigger
  std::string trigger;
  // e-mail
  std::string from;
  std::vector<std::string> to;
  // exec
  std::vector<std::string> command;
};

/// What templates of a channel's body may name, and their values for a message.
const std::vector<std::string>& message_template_names();
nlohmann::json template_values(const Message& message);

}  // namespace gpuscale::notify
