// SPDX-License-Identifier: Apache-2.0
/// Starts a process that shares nothing with us but a lock.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace gpuscale::pool::local {

struct SpawnRequest {
  std::vector<std::string> arguments;    ///< the first is the absolute path of the binary
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string folder;                    ///< working directory
  std::string log_file;                  ///< stdout and stderr are appended to it
  int lock_fd = -1;                      ///< arrives as descriptor 3, open for life; all others are closed
};

/// The new process leads a session and a process group of its own, with default signals and stdin from
/// /dev/null. Returns once exec has succeeded. Errors: kExhausted (no process, no memory), kUnavailable
/// (exec).
Result<pid_t> spawn(const SpawnRequest& request);

/// Our environment without what concerns gpuscale itself (passwords, tokens, marks).
std::vector<std::string> inherited_environment();

/// Takes the exclusive lock on `path`, made if absent; -1 where another holds it. The descriptor is closed on
/// exec.
Result<int> try_lock(const std::string& path);

}  // namespace gpuscale::pool::local
