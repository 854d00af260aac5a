// SPDX-License-Identifier: Apache-2.0
/// Writes the devices' lines to a file as they are measured, to be played back by `--source replay:FILE`.
#pragma once
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/log.h"

namespace gpuscale::agent {

/// Not thread-safe.
class Recorder {
 public:
  /// Appends to what is there. Errors: kUnavailable naming the file.
  static Result<std::unique_ptr<Recorder>> open(const std::string& file, log::Log log);
  /// Stops for good, and says so, once the file holds 240 MiB (a replay takes 256) or cannot be written.
  void write(const std::vector<std::string>& lines);

 private:
  Recorder(std::string file, std::ofstream out, std::uint64_t bytes, log::Log log)
      : file_(std::move(file)), out_(std::move(out)), bytes_(bytes), log_(std::move(log)) {}

  const std::string file_;
  std::ofstream out_;
  std::uint64_t bytes_;
  const log::Log log_;
  bool stopped_ = false;
};

}  // namespace gpuscale::agent
