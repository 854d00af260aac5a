// SPDX-License-Identifier: Apache-2.0
/// Runs a program once: text in, text out, bounded in time and size.
#pragma once
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace gpuscale::pool::exec {

struct ScriptRun {
  std::vector<std::string> arguments;    ///< the first is the program's absolute path
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string input;                     ///< on stdin, which then ends
  std::chrono::milliseconds timeout{10'000};
  std::size_t max_output = 4U << 20U;
  const std::atomic<bool>* stop = nullptr;  ///< once true the script is killed; may be absent
};

struct ScriptEnd {
  int status = 0;      ///< of exit; 128 + signal where a signal ended it
  std::string output;  ///< stdout
  std::string errors;  ///< the last 4 KiB of stderr
};

/// In a process group of its own, which is killed whole at the time-out, and when the script has ended
/// leaving children that hold its output. Errors: kTimeout, kExhausted (too much output, no process),
/// kUnavailable (cannot be run, stopped).
Result<ScriptEnd> run_script(const ScriptRun& run);

}  // namespace gpuscale::pool::exec
