// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how an answer looks on the wire.
#pragma once
#include <ctime>
#include <string>
#include <string_view>

#include "http/message.h"

namespace gpuscale::http {

/// Whether an Accept-Encoding field takes gzip.
bool accepts_gzip(std::string_view header);

/// 1xx, 204 and 304 have none (RFC 9110, 6.4.1).
bool may_have_body(int status);

/// The time as IMF-fixdate (RFC 9110, 5.6.7), made anew once a second. Not thread-safe.
class HttpDate {
 public:
  const std::string& now();

 private:
  std::time_t second_ = 0;
  std::string text_;
};

/// Puts the head of an answer into `out`, in the place of what it held, up to where Content-Length or
/// Transfer-Encoding follow. A line break in a value would begin another header, so a value ends there.
/// @param version 10 or 11
void put_head(std::string& out, const Response& response, unsigned version, bool keep_alive,
              std::string_view date);

/// {"error": why}; `why` is ours and needs no escapes.
Response refusal(int status, const char* why);

}  // namespace gpuscale::http
