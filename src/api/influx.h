// SPDX-License-Identifier: Apache-2.0
/// What InfluxDB 1.6.7 puts around every answer of its own endpoints: headers, CORS, error bodies, 405 and
/// 404 pages. Source: observed on InfluxDB 1.6.7 (Debian 12's package), exchange by exchange.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "api/influx_users.h"
#include "api/routes.h"
#include "http/message.h"

namespace gpuscale::api {

using influxql::kInfluxVersion;
constexpr std::size_t kMaxInfluxBody = 25'000'000;  ///< bytes, as sent and as unpacked

/// The form that the caller's Accept asks for: exactly one of the names below, else JSON, as InfluxDB has it.
enum class ResultForm { kJson, kCsv, kMsgpack };
ResultForm result_form(const http::Request& request);

/// What an error's form depends on, for an answer that is made when the request has gone.
struct ErrorForm {
  ResultForm form;
  bool pretty;
};
ErrorForm error_form(const http::Request& request);

/// {"error": message} in the caller's form, with X-Influxdb-Error (401: Www-Authenticate instead).
http::Response influx_error(ErrorForm form, int status, std::string_view message);
http::Response influx_error(const http::Request& request, int status, std::string_view message);
/// 204 with a JSON content type, as InfluxDB sends it.
http::Response influx_no_content();
http::Response influx_answer(ResultForm form, std::string body);

/// Registers `handler` for `methods` of `path`; OPTIONS answers 200, any other method 405 with `allow`. Every
/// answer gets version, request ids and, where the caller sends Origin, CORS.
void add_influx_route(Routes& routes, std::string_view path, const std::vector<http::Method>& methods,
                      std::string_view allow, http::Handler handler);
/// `handler` with the headers of every InfluxDB answer.
http::Handler with_influx_headers(http::Handler handler);

/// Checks the caller (Authorization, or u and p) in InfluxDB's words. Errors: kUnauthenticated.
Result<Principal> influx_principal(Auth& auth, const http::Request& request);

/// Who calls: the admin, a token, or one of InfluxDB's own users, whose rights go by database.
struct InfluxCaller {
  Principal principal;
  std::optional<InfluxUser> user;

  bool is_admin() const { return user ? user->admin : principal.scopes.allow(Scope::kAdmin); }
  bool may_read(std::string_view database) const {
    return user ? user->may_read(database) : principal.scopes.allow(Scope::kRead);
  }
  bool may_write(std::string_view database) const {
    return user ? user->may_write(database) : principal.scopes.allow(Scope::kWrite);
  }
  const std::string& name() const { return user ? user->name : principal.name; }
};
/// As influx_principal(), InfluxDB's users included.
Result<InfluxCaller> influx_caller(Services& services, const http::Request& request);

/// Text as Go's encoding/json writes it between quotes: <, > and & as \u003c, \u003e and \u0026.
std::string go_json_string(std::string_view text);
/// One field as Go's encoding/csv writes it: quoted only where it must be.
std::string csv_field(std::string_view text);

}  // namespace gpuscale::api
