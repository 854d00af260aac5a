// SPDX-License-Identifier: Apache-2.0
/// Plays a recording of `gpu` lines (line protocol with times in nanoseconds, as the agent sends them) as if
/// its devices were here. The recording's first line falls on the moment of opening; at its end it starts
/// over.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/source.h"

namespace gpuscale::gpu {

/// One device's part of a recording: its readings, ascending by time.
struct DeviceTrack {
  DeviceIdentity device;
  std::vector<Reading> readings;
};

struct Recording {
  std::vector<DeviceTrack> tracks;  ///< ordered by device index, never empty
  WallTime begin;                   ///< of the first line
  Nanos length;                     ///< up to the end of the last line's step; > 0
};

/// Reads a recording's text. Lines of other measurements are passed over. Each device is a distinct uuid (or
/// else gpu) tag. Errors: kInvalidArgument "FILE:LINE: ..." for a malformed line, one without a time, a value
/// that is no number or a utilisation outside 0..100; "FILE: ..." where it holds no `gpu` line.
Result<Recording> parse_recording(const std::string& file, std::string_view text);

/// What the recording shows in (from, to], measured from its begin; `from` < 0 takes all up to `to`. Over
/// several lines, utilisation is their mean and their highest, everything else the newest. No line within
/// this stretch: the newest before it, unless that is older than three of the device's usual steps: then the
/// device is kLost. Pure.
std::vector<Reading> play(const Recording& recording, Nanos from, Nanos to);

/// Not thread-safe.
class ReplaySource final : public GpuSource {
 public:
  /// Errors: as parse_recording; kNotFound (no such file), kExhausted (over 256 MiB), kInvalidArgument (speed
  /// <= 0).
  static Result<std::unique_ptr<ReplaySource>> open(const std::string& file, double speed);

  ReplaySource(Recording recording, double speed) : recording_(std::move(recording)), speed_(speed) {}
  std::string name() const override { return "replay"; }
  /// Time zero of the recording is the first call's `now`.
  Result<std::vector<Reading>> read(WallTime now) override;

 private:
  Recording recording_;
  double speed_;
  std::optional<WallTime> started_;
  Nanos played_{-1};  ///< position of the last reading within the recording
  std::int64_t round_ = 0;
};

}  // namespace gpuscale::gpu
