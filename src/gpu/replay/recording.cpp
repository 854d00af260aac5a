// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "gpu/replay/replay_source.h"
#include "gpu/signals.h"
#include "metrics/line_protocol.h"
#include "metrics/telemetry.h"

namespace gpuscale::gpu {
namespace {

namespace m = gpuscale::metrics;

std::string_view tag_of(const m::PointView& point, std::string_view key) {
  for (const m::TagView& tag : point.tags) {
    if (tag.key == key) return tag.value;
  }
  return "";
}

std::optional<double> number_of(const m::FieldView& field) {
  if (const auto* real = std::get_if<double>(&field.value)) return *real;
  if (const auto* whole = std::get_if<std::int64_t>(&field.value)) return static_cast<double>(*whole);
  return std::nullopt;
}

/// Puts one field into the reading; fields that a Reading does not have are passed over. @return what is
/// wrong, or "".
std::string take_field(const m::FieldView& field, Reading& reading) {
  const std::string key(field.key);
  for (const Signal<double>& signal : real_signals()) {
    if (field.key != signal.name) continue;
    const auto number = number_of(field);
    if (!number) return key + " is not a number";
    if (key.starts_with("utilization_") && (*number < 0 || *number > 100)) return key + " is outside 0..100";
    reading.*signal.value = number;
  }
  for (const Signal<std::int64_t>& signal : whole_signals()) {
    if (field.key != signal.name) continue;
    const auto number = number_of(field);
    if (!number || *number < 0 || *number > 9e18) return key + " is not a number from 0 on";
    reading.*signal.value = static_cast<std::int64_t>(*number);
  }
  return "";
}

/// Times of real telemetry are after 1970; parse_lines gives lines without one this time, which tells them
/// apart.
constexpr std::int64_t kNoTime = -1;
/// October 2096: two such times still add up within 64 bits.
constexpr std::int64_t kLatestTime = 4'000'000'000'000'000'000;

struct TrackKey {
  std::string uuid;
  std::string gpu;
  friend auto operator<=>(const TrackKey&, const TrackKey&) = default;
};

std::string take_point(const m::PointView& point, std::map<TrackKey, DeviceTrack>& tracks) {
  if (point.measurement != m::kGpu) return "";
  if (point.time_ns == kNoTime) return "the line has no time";
  if (point.time_ns < 0 || point.time_ns > kLatestTime) return "its time is not between 1970 and 2096";
  Reading reading;
  reading.at = base::from_unix_nanos(point.time_ns);
  for (const m::FieldView& field : point.fields) {
    if (std::string wrong = take_field(field, reading); !wrong.empty()) return wrong;
  }
  const std::string gpu(tag_of(point, m::kTagGpu));
  const std::string uuid(tag_of(point, m::kTagUuid));
  DeviceTrack& track =
      tracks[uuid.empty() ? TrackKey{.uuid = "", .gpu = gpu} : TrackKey{.uuid = uuid, .gpu = ""}];
  int index = 0;
  const auto parsed = std::from_chars(gpu.data(), gpu.data() + gpu.size(), index);
  if (parsed.ec != std::errc{} || index < 0) index = 0;
  track.device = {.index = index,
                  .uuid = uuid.empty() ? "replay-" + gpu : uuid,
                  .model = std::string(tag_of(point, m::kTagModel))};
  track.readings.push_back(std::move(reading));
  return "";
}

/// The median distance of two readings: one second where there are no two.
Nanos usual_step(const DeviceTrack& track) {
  std::vector<Nanos> steps;
  for (std::size_t i = 1; i < track.readings.size(); ++i) {
    steps.push_back(track.readings[i].at - track.readings[i - 1].at);
  }
  if (steps.empty()) return std::chrono::seconds{1};
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return std::max(*middle, Nanos{1});
}

Recording assemble(std::map<TrackKey, DeviceTrack> by_key) {
  Recording recording;
  for (auto& [key, track] : by_key) {
    std::stable_sort(track.readings.begin(), track.readings.end(),
                     [](const Reading& a, const Reading& b) { return a.at < b.at; });
    recording.tracks.push_back(std::move(track));
  }
  std::stable_sort(
      recording.tracks.begin(), recording.tracks.end(),
      [](const DeviceTrack& a, const DeviceTrack& b) { return a.device.index < b.device.index; });
  recording.begin = recording.tracks.front().readings.front().at;
  WallTime end = recording.begin;
  for (const DeviceTrack& track : recording.tracks) {
    recording.begin = std::min(recording.begin, track.readings.front().at);
    end = std::max(end, track.readings.back().at + usual_step(track));
  }
  recording.length = end - recording.begin;
  return recording;
}

/// What one track shows over the stretch; see play().
Reading show(const DeviceTrack& track, WallTime from, WallTime to) {
  const auto after = [](WallTime t, const Reading& reading) { return t < reading.at; };
  const auto first = std::upper_bound(track.readings.begin(), track.readings.end(), from, after);
  const auto last = std::upper_bound(first, track.readings.end(), to, after);
  Reading shown;
  shown.device = track.device;
  shown.at = to;
  if (last == track.readings.begin()) {
    shown.state = DeviceState::kLost;
    shown.detail = "the recording has no line of this device yet";
    return shown;
  }
  const Reading& newest = *std::prev(last);
  if (const Nanos age = to - newest.at; age / 3 > usual_step(track)) {
    shown.state = DeviceState::kLost;
    shown.detail = "the recording has no line of this device for " +
                   std::to_string(std::chrono::duration_cast<std::chrono::seconds>(age).count()) + " s";
    return shown;
  }
  shown = newest;
  shown.device = track.device;
  shown.at = to;
  double sum = 0;
  std::size_t count = 0;
  for (auto reading = first; reading != last; ++reading) {
    if (!reading->utilization_gpu) continue;
    sum += *reading->utilization_gpu;
    ++count;
    const double peak = std::max(*reading->utilization_gpu, reading->utilization_gpu_max.value_or(0));
    shown.utilization_gpu_max = std::max(shown.utilization_gpu_max.value_or(0), peak);
  }
  if (count > 0) shown.utilization_gpu = sum / static_cast<double>(count);
  return shown;
}

}  // namespace

Result<Recording> parse_recording(const std::string& file, std::string_view text) {
  std::map<TrackKey, DeviceTrack> tracks;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    const m::ParsedLines parsed = m::parse_lines(line, m::Precision::kNanos, kNoTime);
    std::string wrong = parsed.errors.empty() ? "" : parsed.errors.front();
    for (const m::PointView& point : parsed.points) {
      if (wrong.empty()) wrong = take_point(point, tracks);
    }
    if (!wrong.empty()) {
      return fail(Errc::kInvalidArgument, file + ":" + std::to_string(number) + ": " + wrong);
    }
  }
  if (tracks.empty()) {
    return fail(Errc::kInvalidArgument, file +
                                            ": no line of measurement `gpu`; a recording holds lines such as "
                                            "`gpu,gpu=0,uuid=GPU-1 utilization_gpu=40 1700000000000000000`");
  }
  return assemble(std::move(tracks));
}

std::vector<Reading> play(const Recording& recording, Nanos from, Nanos to) {
  std::vector<Reading> readings;
  readings.reserve(recording.tracks.size());
  for (const DeviceTrack& track : recording.tracks) {
    readings.push_back(show(track, recording.begin + from, recording.begin + to));
  }
  return readings;
}

}  // namespace gpuscale::gpu
