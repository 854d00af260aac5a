// SPDX-License-Identifier: Apache-2.0
/// Adds to fresh readings what follows from them: saturation, and which value misleads (gpu/saturation.h).
#pragma once
#include <map>
#include <string>
#include <vector>

#include "gpu/saturation.h"
#include "gpu/source.h"

namespace gpuscale::agent {

/// Not thread-safe. Remembers only the devices of the newest readings.
class DeviceJudge {
 public:
  void judge(std::vector<gpu::Reading>& readings);

 private:
  std::map<std::string, gpu::MemoryMemory> memories_;  ///< by uuid
};

}  // namespace gpuscale::agent
