// SPDX-License-Identifier: Apache-2.0
#include "notify/http_message.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "alert/text_template.h"
#include "base/digest.h"
#include "base/rfc3339.h"
#include "notify/payloads.h"

namespace gpuscale::notify {
namespace {

using nlohmann::json;

/// A receiver's answer is kept in part; one that never ends is cut off.
constexpr std::size_t kMostRead = 64U << 10U;
/// What the strictest of the robots takes (WeCom's text, 2048 bytes).
constexpr std::size_t kLongestChatText = 2'000;
constexpr int kAskedTooOften = 429;
constexpr int kRefused = 400;

std::string dumped(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string cut_to(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  // Not in the middle of a UTF-8 character.
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

std::string chat_text(const Message& message) {
  std::string text = message.title;
  if (!message.words.empty()) text += "\n" + message.words;
  if (!message.text.empty()) text += "\n" + message.text;
  if (!message.pool.empty()) text += "\npool: " + message.pool;
  return cut_to(text + "\n" + base::format_second(message.at), kLongestChatText);
}

std::string hmac_base64(std::string_view key, std::string_view text) {
  const std::string hex = base::hmac_sha256_hex(key, text);
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    int value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return base::base64_encode(bytes);
}

std::int64_t unix_seconds(WallTime now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
}

/// As DingTalk's robot wants it: in the URL, with milliseconds.
void sign_for_dingtalk(http::ClientRequest& request, const Secret& secret, WallTime now) {
  const std::string time =
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  const std::string sign = hmac_base64(secret.reveal(), time + "\n" + secret.reveal());
  request.url += request.url.find('?') == std::string::npos ? '?' : '&';
  request.url += "timestamp=" + time + "&sign=" + http::url_encode(sign);
}

/// As Feishu's robot wants it: in the body, the text as the key of an empty message.
json feishu_body(const Message& message, const Secret& secret, WallTime now) {
  json body = {{"msg_type", "text"}, {"content", {{"text", chat_text(message)}}}};
  if (secret.empty()) return body;
  const std::string time = std::to_string(unix_seconds(now));
  body["timestamp"] = time;
  body["sign"] = hmac_base64(time + "\n" + secret.reveal(), "");
  return body;
}

json slack_body(const Message& message) {
  const char* colour = message.state == "ok" ? "good" : message.state == "firing" ? "danger" : "warning";
  return {{"text", message.title},
          {"attachments", json::array({{{"color", colour},
                                        {"text", chat_text(message)},
                                        {"fallback", message.title},
                                        {"ts", unix_seconds(message.at)}}})}};
}

/// An adaptive card, as Teams' workflows take it.
json teams_body(const Message& message) {
  const json title = {{"type", "TextBlock"}, {"text", message.title}, {"weight", "bolder"}, {"wrap", true}};
  const json text = {{"type", "TextBlock"}, {"text", chat_text(message)}, {"wrap", true}};
  return {{"type", "message"},
          {"attachments", json::array({{{"contentType", "application/vnd.microsoft.card.adaptive"},
                                        {"content",
                                         {{"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"},
                                          {"type", "AdaptiveCard"},
                                          {"version", "1.4"},
                                          {"body", json::array({title, text})}}}}})}};
}

/// Events API v2: one incident per episode.
json pagerduty_body(const Message& message, const Secret& routing_key) {
  json body = {{"routing_key", routing_key.reveal()},
               {"event_action", message.state == "ok" ? "resolve" : "trigger"},
               {"dedup_key", message.key}};
  if (message.state == "ok") return body;
  const std::string source = message.pool.empty() ? "gpuscale" : message.pool;
  body["payload"] = {{"summary", cut_to(message.title + ": " + message.text, 1'024)},
                     {"severity", message.state == "firing" ? "error" : "warning"},
                     {"source", source},
                     {"timestamp", base::format_rfc3339(message.at)},
                     {"custom_details", template_values(message)}};
  return body;
}

Result<std::string> webhook_body(const ChannelSpec& channel, const Message& message) {
  switch (channel.payload) {
    case Payload::kOwn:
      return dumped(own_payload(message));
    case Payload::kGrafana4:
      return dumped(grafana4_payload(message, rule_id_of(message.rule), ""));
    case Payload::kGrafana:
      return dumped(grafana_payload(message, channel.name));
    case Payload::kAlertmanager:
      return dumped(alertmanager_payload(message, channel.name));
    case Payload::kTemplate:
      break;
  }
  GS_TRY(const alert::TextTemplate parsed,
         alert::TextTemplate::parse(channel.body, message_template_names()));
  return parsed.render(template_values(message));
}

Result<std::string> body_of(const ChannelSpec& channel, const Message& message, WallTime now) {
  switch (channel.kind) {
    case ChannelKind::kDingtalk:
    case ChannelKind::kWecom:
      return dumped({{"msgtype", "text"}, {"text", {{"content", chat_text(message)}}}});
    case ChannelKind::kFeishu:
      return dumped(feishu_body(message, channel.secret, now));
    case ChannelKind::kSlack:
      return dumped(slack_body(message));
    case ChannelKind::kTeams:
      return dumped(teams_body(message));
    case ChannelKind::kPagerduty:
      return dumped(pagerduty_body(message, channel.secret));
    case ChannelKind::kAlertmanager:
      return dumped(alertmanager_alerts(message));
    default:
      return webhook_body(channel, message);
  }
}

/// As calls of /hook/trigger are signed, so that one gpuscale can pull another's trigger: the key is what a
/// server keeps of the secret.
void sign_webhook(http::ClientRequest& request, const Secret& secret, WallTime now) {
  const std::string time = std::to_string(unix_seconds(now));
  const std::string mac = base::hmac_sha256_hex(base::sha256_hex(secret.reveal()), time + "." + request.body);
  request.headers.set("X-Gpuscale-Signature", "t=" + time + ",v1=" + mac);
}

/// RFC 9110 knows a date here too; only seconds are taken, as rate limits send them.
std::optional<Nanos> retry_after_of(const http::Headers& headers) {
  const std::string_view text = headers.get("Retry-After");
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!(seconds >= 0 && seconds < 1e6)) return std::nullopt;
  return Nanos{static_cast<std::int64_t>(seconds * 1e9)};
}

/// Codes by which the robots say "too often".
bool is_too_often(std::int64_t code) {
  constexpr std::array<std::int64_t, 5> kCodes = {130'101, 660'026, 45'009, 9'499, 11'232};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

bool is_robot(ChannelKind kind) {
  return kind == ChannelKind::kDingtalk || kind == ChannelKind::kWecom || kind == ChannelKind::kFeishu;
}

int status_in_body(const std::string& body) {
  constexpr int kGood = 200;
  const json answer = json::parse(body, nullptr, false);
  if (!answer.is_object()) return kGood;
  for (const char* field : {"errcode", "code", "StatusCode"}) {
    const auto found = answer.find(field);
    if (found == answer.end() || !found->is_number_integer()) continue;
    const auto code = found->get<std::int64_t>();
    if (code == 0) return kGood;
    return is_too_often(code) ? kAskedTooOften : kRefused;
  }
  return kGood;
}

}  // namespace

Result<http::ClientRequest> request_of(const ChannelSpec& channel, const Message& message, WallTime now) {
  http::ClientRequest request;
  const bool webhook = channel.kind == ChannelKind::kWebhook;
  request.method = webhook ? channel.method : http::Method::kPost;
  request.url = channel.url;
  if (channel.kind == ChannelKind::kAlertmanager) request.url += "/api/v2/alerts";
  request.timeout = channel.timeout;
  request.connect_timeout = std::min(request.connect_timeout, channel.timeout);
  request.ca_file = channel.ca_file;
  request.client_certificate = channel.client_certificate;
  request.client_key = channel.client_key;
  request.max_answer_bytes = kMostRead;
  request.headers.set("User-Agent", "gpuscale/" GPUSCALE_VERSION);
  request.headers.set("Idempotency-Key", message.idempotency);
  request.headers.set("X-Gpuscale-Correlation", message.correlation);
  if (!channel.bearer.empty()) request.headers.set("Authorization", "Bearer " + channel.bearer.reveal());
  if (!channel.user.empty()) {
    request.headers.set("Authorization",
                        "Basic " + base::base64_encode(channel.user + ":" + channel.password.reveal()));
  }
  if (request.method != http::Method::kGet) {
    request.headers.set("Content-Type", "application/json");
    GS_TRY(request.body, body_of(channel, message, now));
  }
  for (const auto& [name, value] : channel.headers) request.headers.set(name, value);
  if (webhook && !channel.secret.empty()) sign_webhook(request, channel.secret, now);
  if (channel.kind == ChannelKind::kDingtalk && !channel.secret.empty())
    sign_for_dingtalk(request, channel.secret, now);
  return request;
}

Receipt receipt_of(const ChannelSpec& channel, http::ClientResponse response) {
  Receipt receipt{response.status, std::move(response.body), retry_after_of(response.headers)};
  if (is_robot(channel.kind) && receipt.status == 200) receipt.status = status_in_body(receipt.answer);
  if (receipt.answer.size() > kMaxAnswerBytes) receipt.answer.resize(kMaxAnswerBytes);
  return receipt;
}

}  // namespace gpuscale::notify
