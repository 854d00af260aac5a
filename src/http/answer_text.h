// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how an answer looks on the wire.
#pragma once
#include <string>
#include <string_view>

#include "http/message.h"

namespace gpuscale::http {

/// Whether an Accept-Encoding field takes gzip.
bool accepts_gzip(std::string_view header);

/// 1xx, 204 and 304 have none (RFC 9110, 6.4.1).
bool may_have_body(int status);

/// Up to where Content-Length or Transfer-Encoding follow. A line break in a value would begin another
/// header, so a value ends there. @param version 10 or 11
std::string head_text(const Response& response, unsigned version, bool keep_alive);

/// {"error": why}; `why` is ours and needs no escapes.
Response refusal(int status, const char* why);

}  // namespace gpuscale::http
