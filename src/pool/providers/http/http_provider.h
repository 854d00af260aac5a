// SPDX-License-Identifier: Apache-2.0
/// Nodes made and removed by a user's service: POST <url>/<verb> with the request as JSON (verbs.h,
/// docs/providers.md).
#pragma once
#include <memory>

#include "base/secret.h"
#include "pool/providers/verbs/verbs.h"

namespace gpuscale::pool::http_service {

struct HttpOptions {
  verbs::Context context;
  std::string url;                            ///< without the verb
  Secret bearer;                              ///< empty = none
  std::string ca_file;                        ///< PEM; "" = the system's
  std::chrono::milliseconds timeout{10'000};  ///< of one call
};

/// url, bearer, ca_file, timeout. Errors: kInvalidArgument naming the key.
Result<void> apply_options(const std::map<std::string, std::string>& block, HttpOptions& options);

std::unique_ptr<NodeProvider> make_http(HttpOptions options);

}  // namespace gpuscale::pool::http_service
