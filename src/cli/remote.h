// SPDX-License-Identifier: Apache-2.0
/// The server as the commands see it: one REST call, JSON out, errors in the server's own words.
#pragma once
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "http/client.h"

namespace gpuscale::cli {

struct RemoteOptions {
  std::string server = "http://127.0.0.1:8486";
  std::string token;
  std::string ca_file;
  std::string output = "table";
  /// What may hold the credentials, for who is told that they are missing or wrong.
  std::string variables = "GPUSCALE_TOKEN or GPUSCALE_ADMIN_PASSWORD";
  void add_to(CLI::App& command);
  bool json() const { return output == "json"; }
  /// The Authorization header: the token's, else that of the admin where GPUSCALE_ADMIN_PASSWORD is set, else
  /// "".
  Secret authorization() const;
};

class Remote {
 public:
  explicit Remote(const RemoteOptions& options);

  Result<nlohmann::json> get(const std::string& path);
  Result<nlohmann::json> call(http::Method method, const std::string& path, const nlohmann::json& body);
  /// What /query answers to a form: "db=gpuscale&q=...".
  Result<nlohmann::json> query(const std::string& form);

 private:
  /// The bare exchange; any status is a value.
  Result<http::ClientResponse> send(http::Method method, const std::string& path, std::string body,
                                    const std::string& content_type);
  Result<nlohmann::json> body_of(const http::ClientResponse& response) const;

  RemoteOptions options_;
  http::Client client_;
};

/// Of what /query answered: the error of the first statement that failed, kNotFound where a database is
/// missing, else kUnavailable.
Result<void> check_statements(const nlohmann::json& answer);

}  // namespace gpuscale::cli
