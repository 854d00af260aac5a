// SPDX-License-Identifier: Apache-2.0
#include "agent/feed.h"

#include <algorithm>

namespace gpuscale::agent {

std::string_view to_string(FeedState state) {
  switch (state) {
    case FeedState::kStarting:
      return "starting";
    case FeedState::kOk:
      return "ok";
    case FeedState::kUnavailable:
      return "unavailable";
    case FeedState::kDriverMismatch:
      return "driver_mismatch";
    case FeedState::kNoPermission:
      return "no_permission";
    case FeedState::kNoDevice:
      return "no_device";
    case FeedState::kHung:
      return "hung";
    case FeedState::kCrashed:
      return "crashed";
  }
  return "unavailable";
}

FeedState state_of(Errc code) {
  switch (code) {
    case Errc::kConflict:
      return FeedState::kDriverMismatch;
    case Errc::kForbidden:
      return FeedState::kNoPermission;
    case Errc::kNotFound:
      return FeedState::kNoDevice;
    default:
      return FeedState::kUnavailable;
  }
}

std::int64_t Sight::ok() const {
  if (state != FeedState::kOk) return 0;
  return std::count_if(readings.begin(), readings.end(),
                       [](const gpu::Reading& reading) { return reading.state == gpu::DeviceState::kOk; });
}

std::int64_t Sight::failed() const {
  return static_cast<std::int64_t>(readings.size()) - ok();
}

}  // namespace gpuscale::agent
