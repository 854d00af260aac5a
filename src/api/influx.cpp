// SPDX-License-Identifier: Apache-2.0
#include "api/influx.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/late_answer.h"
#include "api/request_ids.h"
#include "api/text.h"

namespace gpuscale::api {

namespace {

constexpr std::array kAllMethods{http::Method::kGet,    http::Method::kHead,  http::Method::kPost,
                                 http::Method::kPut,    http::Method::kPatch, http::Method::kDelete,
                                 http::Method::kOptions};

void set_cors(const std::string& origin, http::Response& response) {
  if (origin.empty()) return;
  response.headers.set("Access-Control-Allow-Origin", origin);
  response.headers.set("Access-Control-Allow-Methods", "DELETE, GET, OPTIONS, POST, PUT");
  response.headers.set("Access-Control-Allow-Headers",
                       "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, X-CSRF-Token, "
                       "X-HTTP-Method-Override");
  response.headers.set("Access-Control-Expose-Headers", "Date, X-InfluxDB-Version, X-InfluxDB-Build");
}

std::string header_text(std::string_view message) {
  constexpr std::size_t kMost = 1024;
  std::string text(message.substr(0, kMost));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
      ' ');
  return text;
}

std::string_view content_type(ResultForm form) {
  switch (form) {
    case ResultForm::kCsv:
      return "text/csv";
    case ResultForm::kMsgpack:
      return "application/x-msgpack";
    case ResultForm::kJson:
      break;
  }
  return "application/json";
}

std::string error_body(ErrorForm form, std::string_view message) {
  switch (form.form) {
    case ResultForm::kCsv:
      return "error\n" + csv_field(message) + "\n";
    case ResultForm::kMsgpack: {
      const auto bytes = nlohmann::json::to_msgpack({{"error", std::string(message)}});
      return {bytes.begin(), bytes.end()};
    }
    case ResultForm::kJson:
      break;
  }
  const std::string text = go_json_string(message);
  return form.pretty ? "{\n    \"error\": " + text + "\n}\n" : "{\"error\":" + text + "}\n";
}

}  // namespace

std::string go_json_string(std::string_view text) {
  const std::string quoted =
      nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string out;
  for (const char c : quoted) {
    switch (c) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string csv_field(std::string_view text) {
  const bool quote = !text.empty() && (text.front() == ' ' || text.front() == '\t' || text == "\\." ||
                                       text.find_first_of(",\"\r\n") != std::string_view::npos);
  if (!quote) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

ResultForm result_form(const http::Request& request) {
  const std::string_view accept = request.headers.get("Accept");
  if (accept == "application/csv" || accept == "text/csv") return ResultForm::kCsv;
  return accept == "application/x-msgpack" ? ResultForm::kMsgpack : ResultForm::kJson;
}

ErrorForm error_form(const http::Request& request) {
  return {result_form(request), request.query.get_or("pretty", "") == "true"};
}

http::Response influx_error(const http::Request& request, int status, std::string_view message) {
  return influx_error(error_form(request), status, message);
}

http::Response influx_error(ErrorForm form, int status, std::string_view message) {
  http::Response response = influx_answer(form.form, error_body(form, message));
  response.status = status;
  if (status == 401) {
    response.headers.set("Www-Authenticate", "Basic realm=\"InfluxDB\"");
  } else {
    response.headers.set("X-Influxdb-Error", header_text(message));
  }
  return response;
}

http::Response influx_no_content() {
  http::Response response;
  response.status = 204;
  response.headers.set("Content-Type", "application/json");
  return response;
}

http::Response influx_answer(ResultForm form, std::string body) {
  http::Response response;
  response.headers.set("Content-Type", std::string(content_type(form)));
  response.body = std::move(body);
  return response;
}

http::Handler with_influx_headers(http::Handler handler) {
  const auto ids = std::make_shared<RequestIds>(std::chrono::system_clock::now());
  return [handler = std::move(handler), ids](const http::Request& request) {
    std::string id(request.headers.get("X-Request-Id").substr(0, 128));
    if (id.empty()) id = ids->next();
    return finished(
        handler(request),
        [id = std::move(id), origin = std::string(request.headers.get("Origin"))](http::Response& response) {
          response.headers.set("X-Influxdb-Version", std::string(kInfluxVersion));
          response.headers.set("X-Influxdb-Build", "OSS");
          response.headers.set("X-Request-Id", id);
          response.headers.set("Request-Id", id);
          set_cors(origin, response);
        });
  };
}

void add_influx_route(Routes& routes, std::string_view path, const std::vector<http::Method>& methods,
                      std::string_view allow, http::Handler handler) {
  for (const http::Method method : kAllMethods) {
    if (std::find(methods.begin(), methods.end(), method) != methods.end()) {
      routes.add_plain(method, path, with_influx_headers(handler));
      continue;
    }
    routes.add_plain(method, path,
                     with_influx_headers([method, allow = std::string(allow)](const http::Request&) {
                       if (method == http::Method::kOptions) return http::Response{};
                       http::Response response = http::Response::text(405, "Method Not Allowed\n");
                       response.headers.set("Allow", allow);
                       return response;
                     }));
  }
}

Result<Principal> influx_principal(Auth& auth, const http::Request& request) {
  // Where nobody is asked for credentials, broken ones are no error either.
  if (auth.mode() == AuthMode::kOff) return auth.authenticate(std::nullopt);
  GS_TRY(const std::optional<Credentials> credentials, credentials_of(request, UrlCredentials::kTaken));
  return auth.authenticate(credentials);
}

Result<InfluxCaller> influx_caller(Services& services, const http::Request& request) {
  auto principal = influx_principal(services.auth, request);
  if (principal) return InfluxCaller{*std::move(principal), std::nullopt};
  if (services.influx_users == nullptr) return principal.error();
  GS_TRY(const std::optional<Credentials> credentials, credentials_of(request, UrlCredentials::kTaken));
  if (!credentials) return principal.error();
  auto user = services.influx_users->authenticate(*credentials);
  if (!user) return principal.error();
  return InfluxCaller{{}, std::move(user)};
}

}  // namespace gpuscale::api
