// SPDX-License-Identifier: Apache-2.0
#include "cli/remote.h"

#include <cstdlib>

#include "base/digest.h"

namespace gpuscale::cli {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Errc kind_of(int status) {
  switch (status) {
    case 400:
      return Errc::kInvalidArgument;
    case 401:
      return Errc::kUnauthenticated;
    case 403:
      return Errc::kForbidden;
    case 404:
      return Errc::kNotFound;
    case 409:
      return Errc::kConflict;
    case 413:
    case 429:
      return Errc::kExhausted;
    case 503:
      return Errc::kUnavailable;
    default:
      return Errc::kInternal;
  }
}

}  // namespace

void RemoteOptions::add_to(CLI::App& command) {
  command.add_option("--server", server, "the server's address")
      ->envname("GPUSCALE_SERVER")
      ->capture_default_str();
  command
      .add_option(
          "--token", token,
          "API token; better in the environment. Without one, GPUSCALE_ADMIN_PASSWORD signs in as admin")
      ->envname("GPUSCALE_TOKEN");
  command.add_option("--ca", ca_file, "PEM file of the authority that signed the server's certificate");
  command.add_option("--output", output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

Secret RemoteOptions::authorization() const {
  if (!token.empty()) return Secret{"Bearer " + token};
  const std::string password = from_environment("GPUSCALE_ADMIN_PASSWORD");
  return Secret{password.empty() ? password : "Basic " + base::base64_encode("admin:" + password)};
}

Remote::Remote(const RemoteOptions& options) : options_(options) {}

Result<http::ClientResponse> Remote::send(http::Method method, const std::string& path, std::string body,
                                          const std::string& content_type) {
  http::ClientRequest request;
  request.method = method;
  request.url = options_.server + path;
  request.body = std::move(body);
  request.ca_file = options_.ca_file;
  request.timeout = std::chrono::seconds{60};
  if (!request.body.empty()) request.headers.set("Content-Type", content_type);
  if (const Secret authorization = options_.authorization(); !authorization.empty())
    request.headers.set("Authorization", authorization.reveal());
  auto answer = client_.send(request);
  if (!answer && answer.error().code() == Errc::kUnavailable) {
    return fail(
        Errc::kUnavailable,
        answer.error().message() + "; is a server running there? --server or GPUSCALE_SERVER says where");
  }
  return answer;
}

Result<nlohmann::json> Remote::call(http::Method method, const std::string& path,
                                    const nlohmann::json& body) {
  GS_TRY(const http::ClientResponse response,
         send(method, path, body.is_null() ? std::string() : body.dump(), "application/json"));
  return body_of(response);
}

Result<nlohmann::json> Remote::query(const std::string& form) {
  GS_TRY(const http::ClientResponse response,
         send(http::Method::kPost, "/query", form, "application/x-www-form-urlencoded"));
  return body_of(response);
}

Result<void> check_statements(const nlohmann::json& answer) {
  if (!answer.is_object() || !answer.contains("results") || !answer["results"].is_array()) return {};
  for (const nlohmann::json& result : answer["results"]) {
    if (!result.is_object() || !result.contains("error")) continue;
    const std::string why =
        result["error"].is_string() ? result["error"].get<std::string>() : result["error"].dump();
    return fail(why.starts_with("database not found") ? Errc::kNotFound : Errc::kUnavailable, why);
  }
  return {};
}

Result<nlohmann::json> Remote::body_of(const http::ClientResponse& response) const {
  auto answer = nlohmann::json::parse(response.body, nullptr, false);
  if (response.status >= 200 && response.status < 300) {
    if (answer.is_discarded()) {
      return fail(Errc::kInternal,
                  options_.server + " answered something that is not JSON; is it a gpuscale server?");
    }
    return answer;
  }
  std::string reason = "status " + std::to_string(response.status);
  if (answer.is_object()) {
    for (const char* key : {"error", "reason"}) {
      if (answer.contains(key) && answer[key].is_string()) reason = answer[key].get<std::string>();
    }
  }
  if (response.status == 401) reason += "; set " + options_.variables;
  return fail(kind_of(response.status), reason);
}

Result<nlohmann::json> Remote::get(const std::string& path) {
  return call(http::Method::kGet, path, nullptr);
}

}  // namespace gpuscale::cli
