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
  void add_to(CLI::App& command);
  bool json() const { return output == "json"; }
};

class Remote {
 public:
  /// The token comes from --token or GPUSCALE_TOKEN; without either, GPUSCALE_ADMIN_PASSWORD signs in as
  /// admin.
  explicit Remote(const RemoteOptions& options);

  Result<nlohmann::json> get(const std::string& path);
  Result<nlohmann::json> call(http::Method method, const std::string& path, const nlohmann::json& body);
  /// The bare exchange; any status is a value.
  Result<http::ClientResponse> send(http::Method method, const std::string& path, std::string body,
                                    const std::string& content_type);

 private:
  RemoteOptions options_;
  http::Client client_;
};

}  // namespace gpuscale::cli
