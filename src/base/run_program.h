// SPDX-License-Identifier: Apache-2.0
/// Runs a program once: text in, text out, bounded in time and size.
#pragma once
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace gpuscale::base {

struct ProgramRun {
  std::vector<std::string> arguments;    ///< the first is the program's path
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string input;                     ///< on stdin, which then ends
  std::chrono::milliseconds timeout{10'000};
  std::size_t max_output = 4U << 20U;       ///< bytes on stdout
  const std::atomic<bool>* stop = nullptr;  ///< once true the program is killed; may be absent
  bool by_path = false;                     ///< found by PATH where it names no folder
  /// Of output that is too long the beginning is kept; else it is an error.
  bool cut_output = false;
  /// What it has started and left behind goes on; else that is killed once it has ended itself.
  bool spare_children = false;
};

struct ProgramEnd {
  int status = 0;      ///< of exit; 128 + signal where a signal ended it
  std::string output;  ///< stdout
  std::string errors;  ///< the last 4 KiB of stderr
};

/// In a process group of its own, which is killed whole at the time-out. Errors: kTimeout, kExhausted (too
/// much output, no process), kUnavailable (stopped), kInvalidArgument (cannot be run).
Result<ProgramEnd> run_program(const ProgramRun& run);

}  // namespace gpuscale::base
