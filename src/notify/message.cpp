// SPDX-License-Identifier: Apache-2.0
#include "notify/message.h"

namespace gpuscale::notify {

using base::from_unix_nanos;
using base::to_unix_nanos;
using nlohmann::json;

std::string encode(const Message& message) {
  return json{{"key", message.key},
              {"idempotency", message.idempotency},
              {"correlation", message.correlation},
              {"at", to_unix_nanos(message.at)},
              {"state", message.state},
              {"rule", message.rule},
              {"title", message.title},
              {"text", message.text},
              {"values", message.values},
              {"expires", to_unix_nanos(message.expires)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Message> decode_message(const std::string& text) {
  try {
    const json object = json::parse(text);
    Message message;
    object.at("key").get_to(message.key);
    object.at("idempotency").get_to(message.idempotency);
    object.at("correlation").get_to(message.correlation);
    message.at = from_unix_nanos(object.at("at").get<std::int64_t>());
    object.at("state").get_to(message.state);
    object.at("rule").get_to(message.rule);
    object.at("title").get_to(message.title);
    object.at("text").get_to(message.text);
    message.values = object.at("values");
    message.expires = from_unix_nanos(object.at("expires").get<std::int64_t>());
    return message;
  } catch (const json::exception& broken) {
    return fail(Errc::kCorrupt, std::string("a message of the outbox does not decode: ") + broken.what());
  }
}

}  // namespace gpuscale::notify
