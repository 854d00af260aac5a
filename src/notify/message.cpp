// SPDX-License-Identifier: Apache-2.0
#include "notify/message.h"

#include "base/rfc3339.h"

namespace gpuscale::notify {

using base::from_unix_nanos;
using base::to_unix_nanos;
using nlohmann::json;

std::string encode(const Message& message) {
  return json{{"key", message.key},
              {"idempotency", message.idempotency},
              {"correlation", message.correlation},
              {"at", to_unix_nanos(message.at)},
              {"starts_at", to_unix_nanos(message.starts_at)},
              {"state", message.state},
              {"rule", message.rule},
              {"title", message.title},
              {"text", message.text},
              {"words", message.words},
              {"values", message.values},
              {"labels", message.labels},
              {"annotations", message.annotations},
              {"pool", message.pool},
              {"expires", to_unix_nanos(message.expires)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Message> decode_message(const std::string& text) {
  using Texts = std::map<std::string, std::string>;
  try {
    const json object = json::parse(text);
    Message message;
    object.at("key").get_to(message.key);
    object.at("idempotency").get_to(message.idempotency);
    object.at("correlation").get_to(message.correlation);
    message.at = from_unix_nanos(object.at("at").get<std::int64_t>());
    // Rows of the first version have fewer fields.
    message.starts_at = from_unix_nanos(object.value("starts_at", object.at("at").get<std::int64_t>()));
    object.at("state").get_to(message.state);
    object.at("rule").get_to(message.rule);
    object.at("title").get_to(message.title);
    object.at("text").get_to(message.text);
    message.words = object.value("words", "");
    message.values = object.at("values");
    message.labels = object.value("labels", Texts{});
    message.annotations = object.value("annotations", Texts{});
    message.pool = object.value("pool", "");
    message.expires = from_unix_nanos(object.at("expires").get<std::int64_t>());
    return message;
  } catch (const json::exception& broken) {
    return fail(Errc::kCorrupt, std::string("a message of the outbox does not decode: ") + broken.what());
  }
}

const std::vector<std::string>& channel_kind_names() {
  static const std::vector<std::string> kNames = {"webhook",      "trigger", "dingtalk", "wecom",
                                                  "feishu",       "slack",   "teams",    "pagerduty",
                                                  "alertmanager", "email",   "exec"};
  return kNames;
}

std::string_view to_string(ChannelKind kind) {
  return channel_kind_names().at(static_cast<std::size_t>(kind));
}

const std::vector<std::string>& message_template_names() {
  static const std::vector<std::string> kNames = {
      "rule",        "state", "title", "text",      "message",     "values",         "labels",
      "annotations", "pool",  "at",    "starts_at", "correlation", "idempotency_key"};
  return kNames;
}

json template_values(const Message& message) {
  return {{"rule", message.rule},
          {"state", message.state},
          {"title", message.title},
          {"text", message.text},
          {"message", message.words},
          {"values", message.values},
          {"labels", message.labels},
          {"annotations", message.annotations},
          {"pool", message.pool},
          {"at", base::format_rfc3339(message.at)},
          {"starts_at", base::format_rfc3339(message.starts_at)},
          {"correlation", message.correlation},
          {"idempotency_key", message.idempotency}};
}

}  // namespace gpuscale::notify
