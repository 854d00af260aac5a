// SPDX-License-Identifier: Apache-2.0
/// Nodes made and removed by a user's script: `<command> <verb>` with the request on stdin and the answer on
/// stdout (verbs.h, docs/providers.md). A script that hangs, dies or prints no JSON is an error, never a
/// death of nodes.
#pragma once
#include <memory>

#include "base/secret.h"
#include "log/log.h"
#include "pool/providers/verbs/verbs.h"

namespace gpuscale::pool::exec {

struct ExecOptions {
  verbs::Context context;
  Secret token;                               ///< for the agents of the nodes, as GPUSCALE_TOKEN
  std::vector<std::string> command;           ///< absolute path first; the verb is appended
  std::chrono::milliseconds timeout{10'000};  ///< of one call
};

/// command (words separated by blanks; no shell), timeout. Errors: kInvalidArgument naming the key.
Result<void> apply_options(const std::map<std::string, std::string>& block, ExecOptions& options);

/// Errors: kInvalidArgument (no command), kUnavailable (it cannot be run).
Result<std::unique_ptr<NodeProvider>> open_exec(ExecOptions options, log::Log log);

}  // namespace gpuscale::pool::exec
