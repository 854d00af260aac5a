// SPDX-License-Identifier: Apache-2.0
/// What a call of /hook/trigger says, taken from query, body and headers. Pure: nothing is checked against a
/// trigger here. Start at read_trigger_request().
///
/// Where it says it: `triggerUrl`, `secret`, `type`, `step` in the query, in a form body or in a JSON body;
/// the query wins. A JSON body may also be somebody's alert (Grafana, Alertmanager, alert_body.h).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/alert_body.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/message.h"
#include "scaling/trigger.h"

namespace gpuscale::api {

/// `X-Gpuscale-Signature: t=<unix seconds>,v1=<64 hex digits>`.
struct Signature {
  std::int64_t time = 0;
  std::string v1;
};

struct TriggerRequest {
  std::string trigger;
  Secret secret;                    ///< from query or body; "" = none
  std::optional<std::string> type;  ///< as written
  std::optional<std::string> step;  ///< as written
  std::optional<Signature> signature;
  std::optional<AlertBody> alert;  ///< of the body, where it is one and not of our own making
};

/// Errors: kInvalidArgument for a missing `triggerUrl`, a parameter given twice, a broken signature header,
/// or `type` and `step` in the query of a signed call (the signature covers the body alone).
Result<TriggerRequest> read_trigger_request(const http::Request& request);

/// "3" -> 3. Errors: kInvalidArgument "step must be a whole number from 1 to 1000", for an empty text too.
Result<int> parse_step(std::string_view text);
/// Errors: kInvalidArgument naming the two types.
Result<scaling::Direction> parse_type(std::string_view text);

/// Whether `signature` was made by the holder of the secret: v1 is the HMAC-SHA256, in hex, of "<t>.<body>"
/// under the key sha256_hex(secret), which is all that a server keeps of it. Errors: kUnauthenticated, also
/// where the time is more than kReplayWindow from `now`.
Result<void> verify_signature(const Signature& signature, std::string_view body,
                              std::string_view secret_digest, WallTime now);
constexpr std::chrono::minutes kReplayWindow{5};

}  // namespace gpuscale::api
