// SPDX-License-Identifier: Apache-2.0
#include "gpu/replay/replay_source.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gpuscale::gpu {
namespace {

constexpr std::uintmax_t kMaxFileBytes = 256U << 20U;

Result<std::string> read_file(const std::string& file) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(file, ec);
  if (ec) return fail(Errc::kNotFound, "cannot read the recording " + file + ": " + ec.message());
  if (size > kMaxFileBytes) return fail(Errc::kExhausted, "the recording " + file + " is over 256 MiB");
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in) return fail(Errc::kNotFound, "cannot read the recording " + file);
  return text;
}

}  // namespace

Result<std::unique_ptr<ReplaySource>> ReplaySource::open(const std::string& file, double speed) {
  if (!std::isfinite(speed) || speed <= 0) {
    return fail(Errc::kInvalidArgument, "the speed of a replay must be over 0, not " + std::to_string(speed));
  }
  GS_TRY(const std::string text, read_file(file));
  GS_TRY(Recording recording, parse_recording(file, text));
  return std::make_unique<ReplaySource>(std::move(recording), speed);
}

Result<std::vector<Reading>> ReplaySource::read(WallTime now) {
  if (!started_ || now < *started_) {
    started_ = now;  // first, or the wall clock went back: the recording starts anew
    played_ = Nanos{-1};
    round_ = 0;
  }
  const double elapsed = static_cast<double>((now - *started_).count()) * speed_;
  const double length = static_cast<double>(recording_.length.count());
  const double round = std::floor(elapsed / length);
  const Nanos position{static_cast<std::int64_t>(elapsed - round * length)};
  if (static_cast<std::int64_t>(round) != round_) played_ = Nanos{-1};
  round_ = static_cast<std::int64_t>(round);
  std::vector<Reading> readings = play(recording_, played_, position);
  played_ = position;
  for (Reading& reading : readings) reading.at = now;
  return readings;
}

}  // namespace gpuscale::gpu
