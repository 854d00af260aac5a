// SPDX-License-Identifier: Apache-2.0
/// multipart/form-data (RFC 7578), as `curl -F "q=<queries.txt"` sends it to /query. Pure.
#pragma once
#include <string_view>

#include "http/message.h"

namespace gpuscale::api {

/// The named parts as parameters, file contents included; at most 64. What is no multipart body yields none.
http::QueryParams parse_multipart(std::string_view content_type, std::string_view body);

}  // namespace gpuscale::api
