// SPDX-License-Identifier: Apache-2.0
/// How each kind of channel that goes by HTTP says a message, and what its receiver's answer means. Pure.
#pragma once
#include "http/client.h"
#include "notify/outbox.h"

namespace gpuscale::notify {

/// The exchange that tells `message`; `now` is what signatures are made for. Errors: kInvalidArgument (a
/// template of the body that does not parse).
Result<http::ClientRequest> request_of(const ChannelSpec& channel, const Message& message, WallTime now);

/// Robots of DingTalk, WeCom and Feishu answer 200 and say in the body what is wrong; their refusals become
/// 429 (too often: tried again) or 400.
Receipt receipt_of(const ChannelSpec& channel, http::ClientResponse response);

}  // namespace gpuscale::notify
