// SPDX-License-Identifier: Apache-2.0
/// Where the agent's readings come from: a thread in this process (sampler.h) for sources that cannot hang
/// it, a process of their own (sampler_process.h) for those that speak to a driver.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "gpu/source.h"

namespace gpuscale::agent {

/// How the source as a whole fares; each device has its own state beside it.
enum class FeedState {
  kStarting,        ///< no reading yet
  kOk,              ///< the newest read went well
  kUnavailable,     ///< the driver is not there, or does not start
  kDriverMismatch,  ///< library and kernel module are of different versions
  kNoPermission,    ///< the driver refuses this process
  kNoDevice,        ///< the driver works and sees no device
  kHung,            ///< a call into the driver does not return
  kCrashed,         ///< the sampler process died
};
/// "starting", "ok", "unavailable", "driver_mismatch", "no_permission", "no_device", "hung", "crashed".
std::string_view to_string(FeedState state);
/// The state that an error of opening or reading a source stands for.
FeedState state_of(Errc code);

/// The newest state of the devices.
struct Sight {
  std::vector<gpu::Reading> readings;  ///< the newest that there were
  std::optional<MonoTime> read_at;     ///< when they were read
  FeedState state = FeedState::kStarting;
  std::string error;           ///< why, where state is neither kOk nor kStarting
  std::uint64_t restarts = 0;  ///< of the sampler process
  std::int64_t child = 0;      ///< its process id; 0 where there is none

  std::int64_t ok() const;
  std::int64_t failed() const;
};

/// Thread-safe.
class ReadingFeed {
 public:
  virtual ~ReadingFeed() = default;
  /// Asks for a read, where none is under way, and waits for one to end until `deadline`. @return the
  /// readings that ended since the last call, none where the driver still thinks.
  virtual std::vector<gpu::Reading> sample(MonoTime deadline) = 0;
  virtual Sight sight() const = 0;
};

}  // namespace gpuscale::agent
