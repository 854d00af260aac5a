// SPDX-License-Identifier: Apache-2.0
#include "agent/device_judge.h"

#include <utility>

namespace gpuscale::agent {

void DeviceJudge::judge(std::vector<gpu::Reading>& readings) {
  const std::map<std::string, gpu::MemoryMemory> before = std::exchange(memories_, {});
  for (gpu::Reading& reading : readings) {
    if (const auto saturation = gpu::saturation_of(reading)) {
      reading.saturation = saturation->percent;
      reading.saturation_confidence = saturation->confidence;
    }
    const auto known = before.find(reading.device.uuid);
    const gpu::MemoryMemory memory =
        gpu::remember(known == before.end() ? gpu::MemoryMemory{} : known->second, reading);
    memories_[reading.device.uuid] = memory;
    reading.doubt = gpu::doubt_about(reading, memory);
  }
}

}  // namespace gpuscale::agent
