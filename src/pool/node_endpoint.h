// SPDX-License-Identifier: Apache-2.0
/// What a node says at its own endpoint (the agent's): its work, and whether it takes more.
#pragma once
#include <chrono>
#include <string>

#include "base/result.h"
#include "http/client.h"
#include "pool/provider.h"

namespace gpuscale::pool {

/// Not thread-safe. Each call blocks up to `timeout`.
class NodeEndpoint {
 public:
  NodeEndpoint(std::chrono::milliseconds timeout, std::string ca_file)
      : timeout_(timeout), ca_file_(std::move(ca_file)) {}

  /// POST /drain, /undrain. `url` "" = not known yet: kUnavailable; so is one where another node answers.
  Result<void> set_draining(const NodeId& id, const std::string& url, bool on);
  /// GET /status. kUnavailable also where another node answers there; kUnsupported where it runs a program
  /// whose requests it does not know.
  Result<Workload> workload(const NodeId& id, const std::string& url);

 private:
  Result<http::ClientResponse> call(const NodeId& id, const std::string& url, http::Method method,
                                    const std::string& path);

  std::chrono::milliseconds timeout_;
  std::string ca_file_;
  http::Client client_;
};

}  // namespace gpuscale::pool
