// SPDX-License-Identifier: Apache-2.0
#include "api/trigger_request.h"

#include <nlohmann/json.hpp>

#include "api/text.h"
#include "base/digest.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxBody = 1'000'000;

struct Texts {
  std::optional<std::string> trigger;
  std::optional<std::string> secret;
  std::optional<std::string> type;
  std::optional<std::string> step;
};

Result<std::optional<std::string>> once(const http::QueryParams& params, std::string_view key) {
  std::optional<std::string> found;
  for (const auto& [name, value] : params.items()) {
    if (name != key) continue;
    if (found) return fail(Errc::kInvalidArgument, std::string(key) + " is given twice; give it once");
    found = value;
  }
  return found;
}

Result<Texts> texts_of(const http::QueryParams& params) {
  Texts texts;
  GS_TRY(texts.trigger, once(params, "triggerUrl"));
  GS_TRY(texts.secret, once(params, "secret"));
  GS_TRY(texts.type, once(params, "type"));
  GS_TRY(texts.step, once(params, "step"));
  return texts;
}

std::optional<std::string> text_of(const json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end()) return std::nullopt;
  // A number keeps the form that it has in JSON: 3 is "3", 1e9 is "1000000000.0" and no whole number.
  if (found->is_string()) return found->get<std::string>();
  return found->dump(-1, ' ', false, json::error_handler_t::replace);
}

Texts texts_of(const json& body) {
  if (!body.contains("triggerUrl") && !body.contains("secret")) return {};
  return {text_of(body, "triggerUrl"), text_of(body, "secret"), text_of(body, "type"), text_of(body, "step")};
}

Result<Signature> parse_signature(std::string_view header) {
  const Error broken =
      fail(Errc::kInvalidArgument, "X-Gpuscale-Signature must read t=<unix seconds>,v1=<64 hex digits>");
  const std::size_t comma = header.find(',');
  if (comma == std::string_view::npos) return broken;
  const std::string_view time = trimmed(header.substr(0, comma));
  const std::string_view mac = trimmed(header.substr(comma + 1));
  if (!time.starts_with("t=") || !mac.starts_with("v1=") || mac.size() != 3 + 64) return broken;
  const auto seconds = parse_digits<std::int64_t>(time.substr(2));
  constexpr std::int64_t kFarFuture = 9'000'000'000;  // in 2255: nanoseconds still fit
  if (!seconds || *seconds > kFarFuture) return broken;
  return Signature{*seconds, base::to_lower(mac.substr(3))};
}

}  // namespace

Result<TriggerRequest> read_trigger_request(const http::Request& request) {
  if (request.body.size() > kMaxBody)
    return fail(
        Errc::kInvalidArgument,
        "the body is larger than 1000000 bytes; send fewer alerts at once (Alertmanager: max_alerts)");
  GS_TRY(const Texts query, texts_of(request.query));
  TriggerRequest call;
  Texts body;
  if (equal_ignoring_case(media_type(request.headers.get("Content-Type")),
                          "application/x-www-form-urlencoded")) {
    GS_TRY(body, texts_of(http::QueryParams::parse(request.body)));
  } else if (const json parsed = json::parse(request.body, nullptr, false); parsed.is_object()) {
    body = texts_of(parsed);
    // Our own messages name the states that their channel wants, and carry a key; nobody else's do.
    if (!request.headers.has("X-Gpuscale-Correlation")) call.alert = read_alert(parsed);
  }
  if (request.headers.has("X-Gpuscale-Signature")) {
    GS_TRY(call.signature, parse_signature(request.headers.get("X-Gpuscale-Signature")));
    if (query.type || query.step) {
      return fail(Errc::kInvalidArgument,
                  "the signature covers the body alone: put type and step into the body of a signed call");
    }
  }
  call.trigger = query.trigger ? *query.trigger : body.trigger.value_or("");
  if (call.trigger.empty()) {
    return fail(Errc::kInvalidArgument,
                "triggerUrl is missing: /hook/trigger?triggerUrl=<trigger>&secret=<secret>");
  }
  call.secret = Secret(query.secret ? *query.secret : body.secret.value_or(""));
  call.type = query.type ? query.type : body.type;
  call.step = query.step ? query.step : body.step;
  return call;
}

Result<int> parse_step(std::string_view text) {
  const auto step = parse_digits<int>(text);
  if (!step || *step < 1 || *step > scaling::kMaxStep) {
    return fail(Errc::kInvalidArgument, "step must be a whole number from 1 to 1000");
  }
  return *step;
}

Result<scaling::Direction> parse_type(std::string_view text) {
  const auto type = scaling::parse_direction(text);
  if (!type) return fail(Errc::kInvalidArgument, "type must be scale_out, scale_in, run or call");
  return *type;
}

Result<void> verify_signature(const Signature& signature, std::string_view body,
                              std::string_view secret_digest, WallTime now) {
  const WallTime signed_at{std::chrono::seconds{signature.time}};
  const Nanos distance = now > signed_at ? now - signed_at : signed_at - now;
  if (distance > kReplayWindow) {
    return fail(Errc::kUnauthenticated,
                "the signature's time t is more than 5 minutes from this server's clock");
  }
  const std::string text = std::to_string(signature.time) + "." + std::string(body);
  if (!base::equal_in_constant_time(base::hmac_sha256_hex(secret_digest, text), signature.v1)) {
    return fail(Errc::kUnauthenticated, "the signature is wrong");
  }
  return {};
}

}  // namespace gpuscale::api
