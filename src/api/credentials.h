// SPDX-License-Identifier: Apache-2.0
/// What a request says about who sends it. Nothing is checked here; see auth.h.
#pragma once
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace gpuscale::api {

struct Credentials {
  std::string user;  ///< "" where a token came alone
  Secret secret;     ///< password or token
};

/// `u` and `p` in the URL are what InfluxDB's clients send; our own resources do not take secrets from URLs.
enum class UrlCredentials { kIgnored, kTaken };

/// From `Authorization: Bearer <token>`, `Token <token>`, `Token <user>:<password>`, `Basic <base64>`, and
/// `u`/`p` where taken (they win, as in InfluxDB), and the console's cookie where nothing else is sent.
/// nullopt: the request carries none. Errors: kUnauthenticated "unable to parse authentication credentials"
/// for a header of another form.
Result<std::optional<Credentials>> credentials_of(const http::Request& request, UrlCredentials url);

/// "gpuscale_8486": browsers send one host's cookies to all its ports, so each server names its own.
std::string session_cookie_name(const http::Request& request);
/// The session's id in the cookie, where the request comes from a page of this very server or was typed in by
/// a person; a page of another port of this host counts as another site.
std::optional<Secret> session_cookie(const http::Request& request);

}  // namespace gpuscale::api
