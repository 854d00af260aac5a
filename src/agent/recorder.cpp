// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace gpuscale::agent {
namespace {

constexpr std::uint64_t kMostRecordingBytes = 240U << 20U;

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::open(const std::string& file, log::Log log) {
  std::ofstream out(file, std::ios::app | std::ios::binary);
  if (!out)
    return fail(Errc::kUnavailable, "cannot write the recording " + file + ": " + std::strerror(errno));
  std::error_code error;
  const std::uint64_t bytes = std::filesystem::file_size(file, error);
  return std::unique_ptr<Recorder>(new Recorder(file, std::move(out), error ? 0 : bytes, std::move(log)));
}

void Recorder::write(const std::vector<std::string>& lines) {
  if (stopped_) return;
  for (const std::string& line : lines) {
    out_ << line;
    bytes_ += line.size();
  }
  out_.flush();
  if (out_ && bytes_ < kMostRecordingBytes) return;
  stopped_ = true;
  log_.error("recording.stopped", {{"file", file_}, {"bytes", bytes_}, {"full", static_cast<bool>(out_)}});
  out_.close();
}

}  // namespace gpuscale::agent
