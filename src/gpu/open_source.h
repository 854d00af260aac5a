// SPDX-License-Identifier: Apache-2.0
/// From the word a user writes (`--source`) to a source of readings. Start here.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "gpu/call_watch.h"
#include "gpu/source.h"
#include "log/log.h"

namespace gpuscale::gpu {

struct SourceOptions {
  std::string node;                ///< names the virtual device
  double replay_speed = 1.0;       ///< recording seconds per second; > 0
  std::size_t max_queue = 10'000;  ///< of the virtual device
  CallWatch* watch = nullptr;      ///< told of each call into a driver; outlives the source
};

/// "nvml", "amdgpu", "virtual", "replay:FILE", or "auto": NVML where at least one GPU answers, else amdgpu,
/// else the virtual device (said in the log with the reason). Errors: kInvalidArgument (another word, a bad
/// recording by file and line), kNotFound (no such file), kUnavailable (nvml asked for and not there).
Result<std::unique_ptr<GpuSource>> open_source(std::string_view spec, const SourceOptions& options,
                                               const log::Log& log);

}  // namespace gpuscale::gpu
