// SPDX-License-Identifier: Apache-2.0
/// Finds our processes in /proc by a mark in their environment. The mark outlives the server that set it, so
/// that a server started after kill -9 finds the same processes. Linux only.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gpuscale::pool::local {

struct MarkedProcess {
  pid_t pid = 0;
  pid_t session = 0;
  std::uint64_t start_ticks = 0;  ///< with the pid, the identity of a process
  std::string mark;               ///< the value of the variable
};

/// Every living process of our user whose environment has `<variable>=<prefix>...`; zombies are left out.
/// Errors: kUnavailable where /proc cannot be read whole (no more descriptors): a part would look like
/// deaths.
Result<std::vector<MarkedProcess>> find_marked(std::string_view variable, std::string_view prefix);

/// Whether this very process still lives and is no zombie. Errors as above.
Result<bool> is_alive(const MarkedProcess& process);
/// Whether any process, no zombie, has this pid.
Result<bool> is_living(pid_t pid);

}  // namespace gpuscale::pool::local
