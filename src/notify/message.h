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
  std::string correlation;
  WallTime at;
  std::string state;  ///< "firing" | "ok" | "no_data" | "error"
  std::string rule;
  std::string title;
  std::string text;
  nlohmann::json values;  ///< array of {"metric","value","tags"}
  WallTime expires;       ///< not sent after this
};

/// As the outbox keeps it: JSON. Errors of the way back: kCorrupt.
std::string encode(const Message& message);
Result<Message> decode_message(const std::string& text);

enum class ChannelKind { kWebhook, kTrigger };

struct ChannelSpec {
  std::string name;
  ChannelKind kind = ChannelKind::kWebhook;
  // webhook
  std::string url;  ///< may contain a secret; shown and logged only through http::redact_url
  http::Method method = http::Method::kPost;
  std::map<std::string, std::string> headers;
  Secret bearer;
  std::vector<std::string> states = {
      "firing"};  ///< which states are sent; a scaling webhook wants firing only
  std::chrono::milliseconds timeout{10'000};
  std::string ca_file;
  // trigger
  std::string trigger;
};

}  // namespace gpuscale::notify
