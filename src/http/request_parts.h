// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a request as Beast parsed it becomes ours.
#pragma once
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/message.h"

namespace gpuscale::http {

/// All but who sent it and how. The absolute form of a target is understood.
Request request_of(boost::beast::http::request<boost::beast::http::string_body>&& message);

}  // namespace gpuscale::http
