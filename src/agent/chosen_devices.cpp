// SPDX-License-Identifier: Apache-2.0
#include "agent/chosen_devices.h"

#include <algorithm>

namespace gpuscale::agent {

bool is_meant(const gpu::DeviceIdentity& device, const std::string& word) {
  if (word.starts_with("GPU-") || word.starts_with("MIG-")) return device.uuid.starts_with(word);
  return std::to_string(device.index) == word;
}

void ChosenDevices::choose(std::vector<gpu::Reading>& readings) const {
  std::erase_if(readings, [this](const gpu::Reading& reading) {
    return std::none_of(words_.begin(), words_.end(),
                        [&](const std::string& word) { return is_meant(reading.device, word); });
  });
}

std::vector<gpu::Reading> ChosenDevices::sample(MonoTime deadline) {
  auto readings = feed_->sample(deadline);
  choose(readings);
  return readings;
}

Sight ChosenDevices::sight() const {
  Sight sight = feed_->sight();
  choose(sight.readings);
  return sight;
}

}  // namespace gpuscale::agent
